//! `lab run`: compare.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use scenario::{
    Scenario,
    diagnostic::Diagnostic,
    plan::{Plan, about},
};

use super::{
    choices::{GivenBackings, PlanChoices},
    load::duration,
    runtime::RuntimeChoice,
};
use crate::{
    outcome::Outcome,
    run::{self, RunOptions},
};

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lab run shortener/placement --quick                        a first answer, in about a minute
  lab run shortener/placement --open                         the whole run, then its report
  lab run shortener/placement --hold transport=grpc          the same question over gRPC
  lab run shortener/placement --arm monolith --arm monolith  the lab against itself: no difference
  lab run shortener/placement --quick --wait-quiet=10m       begin when nothing else is busy
  lab run shortener/placement --quick --until-decided        go on until p99 is told as well

It looks at the machine first. Where the generator is late for too much of what it sends, no
verdict can come of a run: it stops after the launch that shows so, and reports what it counted.
Each run keeps its plan, figures and report in a folder of its own, `runs/<id>`.

Exit codes:
  0  every claim came out as expected or cannot be told
  1  a claim came out otherwise, a process or store died, an arm did nothing well, or an arm that
     is no negative control has a broken ledger
  2  it could not run
  3  no verdict: the machine was too busy, or not quiet within the time of `--wait-quiet`")]
pub struct Args {
    /// The scenario: `shortener/placement`, or a path to a `.toml` file
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    #[command(flatten)]
    choices: PlanChoices,
    /// The folder that runs are kept in
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
    /// Open the report in a browser at the end
    #[arg(long)]
    open: bool,
    /// Begin only when nothing else is busy on this machine, and wait for that so long at most
    #[arg(long, value_name = "LIMIT", num_args = 0..=1, require_equals = true, default_missing_value = "5m", value_parser = duration)]
    wait_quiet: Option<Duration>,
    /// Go on, launch by launch, until CPU, p50 and p99 of every pair are told, and no longer than `--at-most`
    #[arg(long)]
    until_decided: bool,
    /// How long a run that goes on until it has decided takes at most
    #[arg(long, value_name = "LIMIT", requires = "until_decided", default_value = "5m", value_parser = duration)]
    at_most: Duration,
    /// Measure to the end, although so many slices are void that no verdict can come of it
    #[arg(long)]
    to_the_end: bool,
    #[command(flatten)]
    runtime: RuntimeChoice,
    #[command(flatten)]
    backings: GivenBackings,
}

impl Args {
    /// Plans, runs, and reports.
    pub fn run(&self, scenarios: Option<&Path>) -> Result<Outcome> {
        let scenario = Scenario::open(&self.scenario, scenarios)?;
        let plan = Plan::new(&scenario, &self.choices.to_choices())?;
        let until_decided = self.until_decided.then_some(self.at_most);
        if let Some(limit) = until_decided.filter(|limit| *limit < plan.takes()) {
            let what =
                format!("a run of at most {} s is shorter than one look at this question", limit.as_secs());
            let quick = if plan.quick { "" } else { ", or `--quick`" };
            let hint =
                format!("its planned launches take about {}: `--at-most` more{quick}", about(plan.takes()));
            return Err(Diagnostic::new(what).hint(hint).into());
        }
        let backings = self.backings.to_choices();
        run::run(&RunOptions {
            plan,
            runtime: self.runtime.find(&backings)?,
            backings,
            out: self.out.clone(),
            open: self.open,
            wait_quiet: self.wait_quiet,
            until_decided,
            to_the_end: self.to_the_end,
            program: None,
            drill: None,
        })
    }
}
