//! What the chat costs: a delivery, an idle connection, and a member who never reads; next to a bare broadcast, and to
//! Centrifugo.
//!
//! `cargo bench -p benches --bench chat [-- PART[=NUMBER]...]` runs these parts, all of them by default:
//!
//! | part | question | its number |
//! |---|---|---|
//! | `delivery` | CPU of a delivery in a room of 100 and of 1,000 | seconds of load of each server and room, 16 |
//! | `memory` | resident memory of an idle connection | connections, 5,000 |
//! | `stalled` | what one member who never reads costs the others and the server | rounds, 10 |
//!
//! The chat is one process with SQLite; messages come by HTTP and leave by WebSockets, at every server.
//! All servers run at the same time on the same processor; the members of a room, another one, are the generator's own client.
//!
//! `centrifugo` is taken from `target/ci/bin`, or from the PATH.

mod crowd;
mod delivery;
mod http;
mod memory;
mod publisher;
mod servers;
mod stalled;

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, Result};
use benches::{bare, interleaved::pin};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use scenario::plan::Budget;

use self::servers::{Centrifugo, Machine};

const CONFIDENCE: f64 = 0.95;
/// Open files: the connections of all servers at once, of this process and of those that it starts.
const FILES: u64 = 16_384;
const USAGE: &str = "usage: chat [delivery[=SECONDS]] [memory[=CONNECTIONS]] [stalled[=ROUNDS]]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["host", file] => host(file),
        ["bare", ..] => bare::main(&words[1..]),
        [] => run(&["delivery", "memory", "stalled"]),
        parts => run(parts),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn host(file: &str) -> Result<()> {
    runtime::host(&chat_app::SERVICE, runtime::read_process_config(Path::new(file))?)
}

fn run(parts: &[&str]) -> Result<()> {
    let budget = Budget::of_this_machine();
    if let Some(caveat) = budget.caveat() {
        eprintln!("note: {caveat}");
    }
    let program = std::env::current_exe()?;
    let machine = Machine { program: &program, budget: &budget };
    raise_file_limit()?;
    pin(&budget.generator)?;
    let centrifugo = Centrifugo::program();
    for part in parts {
        let (part, number) =
            part.split_once('=').map_or((*part, None), |(part, number)| (part, Some(number)));
        let number = |default: u32| match number {
            None => Ok(default),
            Some(number) => number.parse().ok().filter(|number| *number >= 1).context(USAGE),
        };
        match part {
            "delivery" => delivery::compare(&machine, centrifugo.as_deref(), number(16)?)?,
            "memory" => memory::compare(&machine, centrifugo.as_deref(), number(5_000)? as usize)?,
            "stalled" => stalled::compare(&machine, number(10)?)?,
            _ => anyhow::bail!(USAGE),
        }
    }
    Ok(())
}

/// Raises the soft limit of open files, usually 1,024, which the started servers inherit.
fn raise_file_limit() -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, soft.max(FILES.min(hard)), hard)?)
}
