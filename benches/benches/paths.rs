//! The cost of the platform, a hop and tracing: CPU microseconds of a followed link, in one interleaved run.
//!
//! `cargo bench -p benches --bench paths [-- SECONDS [RATE]]`: the duration and rate of each arm's load, by
//! default 20 s at 2,000 operations a second.
//! All arms run at the same time on the same processor and are loaded in turn.

use std::path::Path;

use anyhow::Result;
use benches::{
    bare::{self, ALONE, BEFORE, BEFORE_GRPC, BEHIND, BEHIND_GRPC},
    interleaved::{self, Choices, Pace, Reference, show_difference, show_ratio, show_ratio_of_differences},
    references::start_bare,
};
use scenario::plan::Budget;

/// The arms, each with the axes that differ from their defaults.
const ARMS: [Choices; 6] = [
    ("monolith", &[]),
    ("monolith, 1 % traced", &[("tracing", "0.01")]),
    ("links one hop away, http", &[("placement", "links-apart")]),
    ("links one hop away, grpc", &[("placement", "links-apart"), ("transport", "grpc")]),
    ("links one hop away, http, 1 % traced", &[("placement", "links-apart"), ("tracing", "0.01")]),
    ("links one hop away, http, full", &[("placement", "links-apart"), ("resilience", "full")]),
];
/// The axes that all arms share: the path from memory to memory.
const HELD: [(&str, &str); 3] = [("cache", "local"), ("events", "memory"), ("tracing", "off")];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    match words.as_slice() {
        ["host", file] => {
            runtime::host(&shortener_app::SERVICE, runtime::read_process_config(Path::new(file))?)
        }
        ["bare", ..] => bare::main(&words[1..]),
        pace => compare(Pace::read(pace)?),
    }
}

fn start_alone(program: &Path, budget: &Budget) -> Result<Box<dyn Reference>> {
    start_bare(program, budget, &[&["alone", ALONE]])
}

fn start_apart(program: &Path, budget: &Budget) -> Result<Box<dyn Reference>> {
    start_bare(program, budget, &[&["before", BEFORE, BEHIND], &["alone", BEHIND]])
}

fn start_apart_by_grpc(program: &Path, budget: &Budget) -> Result<Box<dyn Reference>> {
    start_bare(program, budget, &[&["before-grpc", BEFORE_GRPC, BEHIND_GRPC], &["grpc", BEHIND_GRPC]])
}

fn compare(pace: Pace) -> Result<()> {
    let references = [start_alone, start_apart, start_apart_by_grpc];
    let costs = interleaved::costs(&ARMS, &HELD, &references, pace)?;
    let bare_names =
        ["bare axum handler", "bare axum handler, a bare hop away", "the same, a bare gRPC hop away"];
    interleaved::show(bare_names.into_iter().chain(ARMS.iter().map(|arm| arm.0)), &costs);
    let [bare, bare_http, bare_grpc, monolith, traced, http, grpc, http_traced, full] = costs.as_slice()
    else {
        anyhow::bail!("every arm was measured")
    };
    show_ratio("monolith over bare handler", monolith, bare, "1.25");
    show_ratio("traced at 1 % over untraced, monolith", traced, monolith, "1.10");
    show_ratio("traced at 1 % over untraced, one hop", http_traced, http, "1.10");
    show_ratio("resilience full over timeout, one hop", full, http, "1.10");
    show_difference("one hop over HTTP, us more than in process", http, monolith);
    show_difference("a bare hop over HTTP, us more than alone", bare_http, bare);
    show_difference("one hop over gRPC, us more than in process", grpc, monolith);
    show_difference("a bare hop over gRPC, us more than alone", bare_grpc, bare);
    // A hop with deadline, trace, metrics and limits, compared with the libraries alone.
    show_ratio_of_differences("one hop over a bare hop, HTTP", [http, monolith], [bare_http, bare], "1.3");
    show_ratio_of_differences("one hop over a bare hop, gRPC", [grpc, monolith], [bare_grpc, bare], "1.3");
    Ok(())
}
