//! The cost of the limiter's layer: CPU microseconds a request of a bare handler with it and without, in one
//! interleaved run.
//!
//! `cargo bench -p benches --bench layer [-- SECONDS [RATE]]`: the duration and rate of each load, by default
//! 20 s at 2,000 requests a second.

use std::path::Path;

use anyhow::Result;
use benches::{
    bare::{self, ALONE, LIMITED},
    interleaved::{self, Pace, Reference, show_difference, show_ratio},
    references::start_bare,
};
use scenario::plan::Budget;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    match words.as_slice() {
        ["bare", ..] => bare::main(&words[1..]),
        pace => compare(Pace::read(pace)?),
    }
}

fn start_alone(program: &Path, budget: &Budget) -> Result<Box<dyn Reference>> {
    start_bare(program, budget, &[&["alone", ALONE]])
}

fn start_limited(program: &Path, budget: &Budget) -> Result<Box<dyn Reference>> {
    start_bare(program, budget, &[&["limited", LIMITED]])
}

fn compare(pace: Pace) -> Result<()> {
    let costs = interleaved::costs(&[], &[], &[start_alone, start_limited], pace)?;
    interleaved::show(["bare axum handler", "the same behind the limiter's layer"].into_iter(), &costs);
    let [bare, limited] = costs.as_slice() else { anyhow::bail!("both were measured") };
    show_ratio("limited over bare", limited, bare, "1.10");
    show_difference("the layer, us a request", limited, bare);
    Ok(())
}
