//! The command line and its help texts.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};
use runtimes::interrupt;
use scenario::diagnostic::{self, Diagnostic};

use crate::{
    commands::{
        broker, compare, doctor, drill, events, export, fault, health, host, keep, list, load, plan,
        provider, proxy, report, run, show, tether, trace, up, watch,
    },
    outcome::Outcome,
};

const LONG_ABOUT: &str = "\
A laboratory for architecture.

You ask a question (\"what does splitting the shortener into services cost?\"). The lab builds both answers from one \
code base, starts them as real processes, gives them the same load, checks that nothing acknowledged was lost, and \
says what differs, by how much, and how sure it is.

  a system    is what an interviewer would ask for: a URL shortener
  an axis     is one choice in building it: who shares a process, where state is kept, what stands before the store
  a wiring    is a value for every axis: one complete way to build the system
  a scenario  is a question, one axis, and the wirings (its arms) that answer it";

const FIRST_STEPS: &str = "\
The first five minutes:
  lab list                             what there is to ask
  lab run shortener/placement --quick  a first answer, in a minute
  lab run shortener/placement --quick --hold transport=grpc   the same with one axis flipped
  lab up shortener --port 8080         the system itself, to play with
  lab load --system shortener --url http://127.0.0.1:8080 --rate 500 --for 20s --check
                                       whether it keeps its promises under load

Exit codes:
  0  done, and every claim came out as expected or cannot be told; every condition of a load holds
  1  a claim came out otherwise, a condition failed, a process or store died, or a promise was
     broken
  2  it could not run
  3  a run came to no verdict: the machine was too busy";

/// The command `lab`, from its arguments to its exit code.
pub fn main() -> ExitCode {
    let outcome = Cli::parse().run();
    interrupt::leave_the_end_to_it();
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::ExpectationFailed) => ExitCode::from(1),
        Ok(Outcome::NoVerdict) => ExitCode::from(3),
        Err(error) => {
            anstream::eprintln!("{}", diagnostic::told(&error));
            ExitCode::from(2)
        }
    }
}

/// The command line of `lab`.
#[derive(Debug, Parser)]
#[command(name = "lab", version, about = "A laboratory for architecture", long_about = LONG_ABOUT, after_help = FIRST_STEPS, max_term_width = 98)]
pub struct Cli {
    /// The folder of scenarios [default: `scenarios` here or in a folder above]
    #[arg(long, global = true, value_name = "DIR")]
    pub scenarios: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show every system and every question that can be asked of it
    List(list::Args),
    /// Explain a scenario, or a system with its axes
    Show(show::Args),
    /// Print what a run would start, and the proof that its arms differ in one axis
    Plan(plan::Args),
    /// Compare: start the arms, load them, check them, and report
    Run(run::Args),
    /// Break each part of each wiring of a system, and say what was lost and how soon it was back
    Drill(drill::Args),
    /// Start one wiring and keep it up until Ctrl-C
    Up(up::Args),
    /// Show the last traces of a wiring that is up
    Trace(trace::Args),
    /// List and replay the dead letters of a wiring that is up
    Events(events::Args),
    /// Break a part of a wiring that is up, for a while
    Fault(fault::Args),
    /// Follow breakers, retries and rejections in a wiring that is up
    Watch(watch::Args),
    /// Load a system that is up, and print its latency
    Load(load::Args),
    /// Draw the report of an earlier run again
    Report(report::Args),
    /// Hold two runs of one scenario against each other
    Compare(compare::Args),
    /// Say what this machine offers, and what each missing thing would add
    Doctor(doctor::Args),
    /// Write a wiring down, for what starts containers without the lab
    Export(export::Args),
    /// Whether a service process is ready; for a container's health check
    #[command(hide = true)]
    Health(health::Args),
    /// One service process; started by the lab
    #[command(hide = true)]
    Host(host::Args),
    /// The parent of a throwaway server; started by the lab
    #[command(hide = true)]
    Keep(keep::Args),
    /// What a throwaway server is before it becomes itself; started by its parent
    #[command(hide = true)]
    Tether(tether::Args),
    /// The embedded event log; started by the lab
    #[command(hide = true)]
    Broker(broker::Args),
    /// The proxy on an arm's links; started by the lab
    #[command(hide = true)]
    Proxy(proxy::Args),
    /// The stand-in for a payment provider; started by the lab
    #[command(hide = true)]
    Provider(provider::Args),
}

impl Cli {
    /// Runs the command.
    pub fn run(&self) -> Result<Outcome> {
        let scenarios = self.scenarios.as_deref();
        let without = match &self.command {
            Command::Drill(_) => Some("drill"),
            Command::Events(_) => Some("events"),
            Command::Fault(_) => Some("fault"),
            Command::Watch(_) => Some("watch"),
            Command::Load(_) => Some("load"),
            Command::Report(_) => Some("report"),
            Command::Doctor(_) => Some("doctor"),
            _ => None,
        };
        if let Some(command) = without.filter(|_| scenarios.is_some()) {
            let what = format!("`--scenarios` has no meaning for `lab {command}`, which reads none");
            return Err(Diagnostic::new(what).hint("leave `--scenarios` out").into());
        }
        match &self.command {
            Command::List(args) => args.run(scenarios),
            Command::Show(args) => args.run(scenarios),
            Command::Plan(args) => args.run(scenarios),
            Command::Run(args) => args.run(scenarios),
            Command::Drill(args) => args.run(),
            Command::Up(args) => args.run(scenarios),
            Command::Trace(args) => args.run(),
            Command::Events(args) => args.run(),
            Command::Fault(args) => args.run(),
            Command::Watch(args) => args.run(),
            Command::Load(args) => args.run(),
            Command::Report(args) => args.run(),
            Command::Compare(args) => args.run(),
            Command::Doctor(args) => args.run(),
            Command::Export(args) => args.run(scenarios),
            Command::Health(args) => args.run(),
            Command::Host(args) => args.run(),
            Command::Keep(args) => args.run(),
            Command::Tether(args) => args.run(),
            Command::Broker(args) => args.run(),
            Command::Proxy(args) => args.run(),
            Command::Provider(args) => args.run(),
        }
    }
}

#[cfg(test)]
mod tests;
