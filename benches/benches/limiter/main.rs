//! The limiter's local decisions: their CPU time, the memory of their keys, and their correctness.
//!
//! `cargo bench -p benches --bench limiter [-- PART...]` runs these parts, all of them by default:
//!
//! | part | question |
//! |---|---|
//! | `speed` | CPU nanoseconds of a decision, next to the crate `governor` on the same keys in the same order |
//! | `memory` | bytes of 10^6 keys by GCRA |
//! | `trace` | decisions of 10^7 requests that differ from each algorithm's definition, and from a sliding window |

mod speed;

// The oracles are those of the limiter's own tests.
#[path = "../../../services/limiter/tests/suite/oracle.rs"]
mod oracle;
#[path = "../../../services/limiter/tests/suite/ticks.rs"]
mod ticks;
#[path = "../../../services/limiter/tests/suite/trace.rs"]
mod trace;

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use contract::MonotonicTicks;
use limiter::{Algorithm, Capacity, Limit, LocalCounts};

/// Requests of the trace.
const EVENTS: usize = 10_000_000;
/// The number of keys for the memory measurement.
const KEYS: usize = 1_000_000;
const MIB: f64 = (1 << 20) as f64;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let parts = if words.is_empty() { vec!["memory", "speed", "trace"] } else { words };
    for part in parts {
        let done = match part {
            "memory" => memory(),
            "speed" => speed::compare(),
            "trace" => trace(),
            _ => Err(anyhow::anyhow!("usage: limiter [memory] [speed] [trace]")),
        };
        if let Err(error) = done {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// The resident memory of this process, in bytes.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// A limit as an API has it, with a window in which no key of the benches is restored.
fn limit(window: Duration) -> Result<Limit> {
    Ok(Limit::new(100, window, None)?)
}

fn memory() -> Result<()> {
    let before = resident()?;
    let capacity = Capacity { keys: KEYS, ..Capacity::default() };
    let counts = LocalCounts::new(Algorithm::Gcra, capacity, [7; 16], Arc::new(MonotonicTicks::new()));
    let limit = limit(Duration::from_hours(1))?;
    for key in 0..KEYS {
        counts.take_one(&format!("client-{key}"), &limit, 1)?;
    }
    let grown = resident()? - before;
    let held = counts.held();
    println!("\nMemory of {KEYS} keys by GCRA, {} of them pushed out", held.evicted);
    println!("  what the table says of itself    {:6.1} MiB", held.bytes as f64 / MIB);
    println!("  what the process has grown by    {:6.1} MiB  must be below 200", grown as f64 / MIB);
    Ok(())
}

fn trace() -> Result<()> {
    let limit = trace::limit();
    println!(
        "\n{EVENTS} requests of {} keys, {} a second each, shares of all decisions",
        trace::KEYS,
        limit.requests()
    );
    println!("  algorithm        wrong  admitted  over-admitted  falsely refused  most in a window  bound");
    let mut wrong = 0;
    for algorithm in Algorithm::ALL {
        let found = trace::findings(algorithm, 1, EVENTS);
        let share = |count: u64| count as f64 / found.decisions as f64 * 100.0;
        println!(
            "  {:15} {:6}  {:6.2} %  {:11.3} %  {:13.3} %  {:16}  {:5}",
            algorithm.name(),
            found.wrong,
            share(found.admitted),
            share(found.over),
            share(found.falsely_refused),
            found.most,
            algorithm.bound(&limit)
        );
        wrong += found.wrong;
        anyhow::ensure!(found.most <= algorithm.bound(&limit), "`{}` passed its bound", algorithm.name());
    }
    anyhow::ensure!(wrong == 0, "{wrong} decisions were not those of the definition");
    Ok(())
}
