//! The cost of a look-up by the link's location: in memory, in Redis, in PostgreSQL; with the backings' cost,
//! in one interleaved run.
//!
//! `cargo bench -p benches --bench stores [-- SECONDS [RATE]]`: the duration and rate of each arm's load, by
//! default 20 s at 2,000 operations a second.
//! Needs `redis-server` and a PostgreSQL server on this machine; each arm starts its own.

use std::process::ExitCode;

use anyhow::Result;
use benches::interleaved::{self, Choices, Pace, show_ratio};

/// The arms, each with the axes that differ from their defaults.
const ARMS: [Choices; 3] = [
    ("in memory", &[("cache", "local")]),
    ("through Redis", &[("cache", "redis")]),
    ("through PostgreSQL", &[("cache", "none"), ("database", "postgres")]),
];
/// The axes that all arms share.
const HELD: [(&str, &str); 2] = [("events", "memory"), ("tracing", "off")];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let compared = match words.as_slice() {
        // Arms and their servers are started as the lab starts them, with this program in its place.
        ["host" | "keep" | "tether", ..] => return lab::cli::main(),
        pace => Pace::read(pace).and_then(compare),
    };
    match compared {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn compare(pace: Pace) -> Result<()> {
    let costs = interleaved::costs(&ARMS, &HELD, &[], pace)?;
    interleaved::show(ARMS.iter().map(|arm| arm.0), &costs);
    let [memory, redis, postgres] = costs.as_slice() else { anyhow::bail!("every arm was measured") };
    show_ratio("through Redis over in memory", redis, memory, "2.4");
    show_ratio("through PostgreSQL over in memory", postgres, memory, "9");
    Ok(())
}
