//! `lab fault`: breaks a part of a wiring that is up, for a while.

use std::time::Duration;

use anyhow::Result;
use scenario::{FaultByHand, diagnostic::Diagnostic};

use super::{
    load::{duration, option},
    trace::chosen,
};
use crate::{
    by_hand::{self, Request},
    outcome::Outcome,
    output, recent,
};

/// The longest fault: the proxy gives no longer lease.
const LONGEST: Duration = Duration::from_mins(30);

const HELP: &str = "\
What: `kill`, `freeze`, `errors`, `slow`, `throttle`, `blackhole`, `partition`, `reset`, `flap`;
or `list` and `clear`. To what: a process, a store or broker, or a link. `lab up` prints them;
links can be broken where it was started with `--proxy`.

Examples:
  lab up shortener --set placement=microservices --set cache=redis --proxy
  lab fault kill gateway --for 5s
  lab fault slow links --for 10s                       by 100 ms each way; on every link to it
  lab fault slow links --with latency_ms=20
  lab fault errors links --with share=0.3              30 % of calls to it; all by default
  lab fault partition 'links -> redis' --for 2s
  lab fault list
  lab fault clear

Each is undone when its time ends, or the lab does. docs/scenario-files.md has every parameter.";

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// What to do: the name of a fault, `list`, or `clear`
    #[arg(value_name = "WHAT")]
    what: String,
    /// To what: a process, a store or broker, or a link
    #[arg(value_name = "TARGET")]
    target: Option<String>,
    /// For how long: `500ms`, `20s`, `2m`
    #[arg(long = "for", value_name = "TIME", value_parser = duration, default_value = "10s")]
    lasts: Duration,
    /// A parameter, as in a scenario file: `latency_ms=50`; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = option)]
    with: Vec<(String, String)>,
    /// The process id of the `lab up` to ask, if several are up
    #[arg(long, value_name = "PID")]
    up: Option<u32>,
}

impl Args {
    /// Asks the lab that is up, and prints what it says.
    pub fn run(&self) -> Result<Outcome> {
        let request = self.request()?;
        let nobody = Diagnostic::new("no `lab up` is running, so there is nothing to break")
            .hint("`lab up shortener --set placement=microservices --proxy` starts something");
        let shown = chosen(recent::of_running_labs(&std::env::temp_dir()), self.up, nobody)?;
        let lines = by_hand::ask(&shown.faults, &request)?;
        if lines.is_empty() {
            output::talk("no fault is in force");
        }
        for line in lines {
            output::data(&format!("{line}\n"))?;
        }
        Ok(Outcome::Done)
    }

    fn request(&self) -> Result<Request> {
        let alone = |request| match &self.target {
            None => Ok(request),
            Some(target) => {
                let what = format!("`{}` takes no target, and `{target}` is one", self.what);
                Err(Diagnostic::new(what).hint(format!("say `lab fault {}`", self.what)).into())
            }
        };
        match self.what.as_str() {
            "list" => alone(Request::List),
            "clear" => alone(Request::Clear),
            what => {
                let target = self.target.clone().ok_or_else(|| {
                    Diagnostic::new(format!("`{what}` needs a target"))
                        .hint(format!("such as `lab fault {what} links`; `lab fault --help` says more"))
                })?;
                if self.lasts > LONGEST {
                    let what = format!("a fault by hand lasts at most {} minutes", LONGEST.as_secs() / 60);
                    return Err(Diagnostic::new(what).hint("make it again when it is over").into());
                }
                let for_ms = self.lasts.as_millis() as u64;
                Ok(Request::Make(FaultByHand {
                    what: what.to_owned(),
                    target,
                    with: self.with.clone(),
                    for_ms,
                }))
            }
        }
    }
}
