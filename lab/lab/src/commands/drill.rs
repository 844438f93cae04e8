//! `lab drill`: breaks each part of each wiring of a system.

use std::path::PathBuf;

use anyhow::Result;
use scenario::{
    diagnostic::{Diagnostic, did_you_mean},
    drill::{Drill, DrillChoices, Form},
    systems,
};

use super::{
    choices::{GivenBackings, assignment},
    runtime::RuntimeChoice,
};
use crate::{
    drill::{self, DrillOptions},
    outcome::Outcome,
};

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lab drill shortener --quick                      each part broken once, in under five minutes
  lab drill limiter --quick --fault store-killed   one kind of fault only
  lab drill shortener --set resilience=full        the whole matrix, with this value everywhere
  lab drill shortener --long --fault all-killed    until 100,000 operations are acknowledged

Faults:
  store-killed, store-slow, store-frozen           a database, a cache or a broker
  broker-restarted                                 the broker of events
  provider-killed, provider-slow, provider-frozen  the payment provider
  component-killed                                 each process by itself
  partition, partition-one-way                     each link between two processes
  all-killed                                       every process and every store at the same time

Each drill is an episode of `lab run`: load, the fault in the middle, time to recover, and a check
of the ledger. The wirings follow from the system; those known to lose something are negative
controls, which a drill has to catch. What this machine lacks is said, and skipped. Each drill
keeps its report in a folder of its own, `runs/<id>/cells/<fault and wiring>`.
Ctrl-C ends the drill that is in progress, and keeps those that have ended.

Exit codes:
  0  every wiring but the negative controls kept what it promises
  1  one of them lost something, did it twice or broke another promise; or a drill did not finish
  2  it could not run")]
pub struct Args {
    /// The system: `shortener`
    #[arg(value_name = "SYSTEM")]
    system: String,
    /// The short form: each part is broken once, in the first wiring that has it
    #[arg(long, conflicts_with = "long")]
    quick: bool,
    /// The long form: each drill goes on until 100,000 operations are acknowledged
    #[arg(long)]
    long: bool,
    /// Only this kind of fault; may be repeated
    #[arg(long, value_name = "NAME")]
    fault: Vec<String>,
    /// Choose a value of an axis in every wiring; may be repeated
    #[arg(long, value_name = "AXIS=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Add episodes to each drill until so many operations are acknowledged
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    operations: Option<u64>,
    /// Print the result as JSON, as the drill's folder keeps it
    #[arg(long)]
    json: bool,
    /// From which every random choice follows: due times, keys
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64))]
    seed: u64,
    /// The folder that runs are kept in
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
    #[command(flatten)]
    runtime: RuntimeChoice,
    #[command(flatten)]
    backings: GivenBackings,
}

impl Args {
    /// Runs the matrix, and prints it.
    pub fn run(&self) -> Result<Outcome> {
        let system = systems::find(&self.system).ok_or_else(|| self.unknown())?;
        let choices = DrillChoices {
            form: match (self.quick, self.long) {
                (true, _) => Form::Quick,
                (_, true) => Form::Long,
                _ => Form::Whole,
            },
            faults: self.fault.clone(),
            set: self.set.clone(),
            operations: self.operations,
            seed: self.seed,
        };
        let backings = self.backings.to_choices();
        drill::run(&DrillOptions {
            drill: Drill::new(system, &choices)?,
            runtime: self.runtime.find(&backings)?,
            backings,
            out: self.out.clone(),
            json: self.json,
        })
    }

    fn unknown(&self) -> Diagnostic {
        let what = format!("there is no system `{}`", self.system);
        let scenario = self.system.split_once('/').filter(|(system, _)| systems::find(system).is_some());
        match scenario {
            Some((system, _)) => Diagnostic::new(what).hint(format!(
                "a drill is of a system: `lab drill {system}`; a scenario is run: `lab run {}`",
                self.system
            )),
            None => Diagnostic::new(what).hint(did_you_mean(&self.system, systems::names())),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use scenario::drill::fault_kinds;

    #[test]
    fn the_help_names_every_kind_of_fault() {
        let mut cli = crate::cli::Cli::command();
        let help = cli.find_subcommand_mut("drill").unwrap().render_long_help().to_string();
        for (kind, _) in fault_kinds() {
            assert!(help.contains(kind), "{kind}");
        }
    }
}
