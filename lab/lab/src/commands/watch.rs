//! `lab watch`: what the processes of a wiring that is up make of their callees, as it happens.

mod callees;

use std::time::{Duration, Instant};

use anyhow::Result;
use runtimes::interrupt::Interrupt;
use scenario::diagnostic::Diagnostic;

use self::callees::{HEADING, Watched};
use super::{load::duration, trace::chosen};
use crate::{outcome::Outcome, output, recent};

/// The interval at which the states are read, so that a breaker that was half-open for a moment is still told in
/// its place.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The shortest interval between two rows: rates over less are noise.
const LEAST_EVERY: Duration = Duration::from_millis(200);

/// Rows between two headings.
const HEADING_EVERY: usize = 20;

const HELP: &str = "\
A row a second for each callee that was called meanwhile or whose breaker is not closed, and a
line for each transition of a breaker, with its reason.

  calls/s      calls begun, each once however often it was sent
  retries/s    calls sent again
  hedges/s     second attempts beside a slow first
  rejected/s   calls that were not sent: by the breaker, or by the limit of calls in flight

Stores have a breaker and no other of these figures.

Examples:
  lab up shortener --set placement=microservices --set resilience=full --port 8080
  lab load --system shortener --url http://127.0.0.1:8080 --rate 200 --for 60s
  lab watch                            in a third terminal, while
  lab fault kill links --for 5s        something breaks in a fourth

docs/resilience.md says what each layer does. Ctrl-C ends it.";

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// For how long: `20s`, `2m` [default: until Ctrl-C]
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    lasts: Option<Duration>,
    /// The time between two rows, at least `200ms`
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1s")]
    every: Duration,
    /// The process id of the `lab up` to ask, if several are up
    #[arg(long, value_name = "PID")]
    up: Option<u32>,
}

impl Args {
    /// Prints rows and transitions until the time is over, the wiring is gone, or Ctrl-C.
    pub fn run(&self) -> Result<Outcome> {
        if self.every < LEAST_EVERY {
            let what = format!("`--every` is at least {} ms", LEAST_EVERY.as_millis());
            return Err(Diagnostic::new(what).hint("rates over less are noise").into());
        }
        let nobody = Diagnostic::new("no `lab up` is running, so there is nothing to watch")
            .hint("`lab up shortener --set placement=microservices --set resilience=full` starts something");
        let temporary = std::env::temp_dir();
        let shown = chosen(recent::of_running_labs(&temporary), self.up, nobody)?;
        let mut watched: Vec<Watched> = shown.internal.iter().map(Watched::new).collect();
        let interrupt = Interrupt::install()?;
        let (began, mut rows, mut row_at) = (Instant::now(), 0, Instant::now());
        loop {
            let mut transitions: Vec<_> = watched.iter_mut().flat_map(Watched::look).collect();
            transitions.sort_by_key(|transition| transition.unix_ms);
            for transition in transitions {
                output::data(&transition.line())?;
            }
            let is_over = self.lasts.is_some_and(|lasts| began.elapsed() >= lasts);
            if is_over || row_at.elapsed() >= self.every {
                row_at = Instant::now();
                for row in watched.iter_mut().flat_map(Watched::rows) {
                    if rows % HEADING_EVERY == 0 {
                        output::data(HEADING)?;
                    }
                    rows += 1;
                    output::data(&row.line())?;
                }
                if is_over || !shown.is_running(&temporary) {
                    break;
                }
            }
            if !interrupt.sleep(LOOK_EVERY) {
                break;
            }
        }
        if watched.iter().all(Watched::has_no_callees) {
            output::talk("no process has a callee in another process: nothing here has layers");
        } else if rows == 0 {
            output::talk("nobody called anything; `lab load` makes load");
        }
        Ok(Outcome::Done)
    }
}
