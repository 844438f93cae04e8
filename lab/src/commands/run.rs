//! `lab run`: compare.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{
    choices::{GivenBackings, PlanChoices},
    runtime::RuntimeChoice,
};
use crate::{
    cli::Outcome,
    plan::Plan,
    process::{BackingChoices, Runtime},
    scenario::Scenario,
};

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lab run shortener/placement --quick                        a first answer, in about a minute\n  lab run shortener/placement --open                         the whole run, then its report\n  lab run shortener/placement --hold transport=grpc          the same question over gRPC\n  lab run shortener/placement --arm monolith --arm monolith  the lab against itself: no difference\n\nEach run keeps its plan, figures and report in a folder of its own, `runs/<id>`.\nExit code 0: every claim came out as expected or cannot be told; 2: it could not run.\nExit code 1: a claim came out otherwise, a process or store died, an arm did nothing\nwell, or an arm that is no negative control has a broken ledger."
)]
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
    #[command(flatten)]
    runtime: RuntimeChoice,
    #[command(flatten)]
    backings: GivenBackings,
}

/// What a run is made from.
pub struct RunOptions {
    /// The plan.
    pub plan: Plan,
    /// What runs the arms.
    pub runtime: Runtime,
    /// Stores and brokers that were given by address.
    pub backings: BackingChoices,
    /// The folder that runs are kept in.
    pub out: PathBuf,
    /// Whether to open the report in a browser at the end.
    pub open: bool,
    /// The program that service processes are started from; none: the lab itself.
    pub program: Option<PathBuf>,
}

impl Args {
    /// Plans, runs, and reports.
    pub fn run(&self, scenarios: Option<&Path>) -> Result<Outcome> {
        let scenario = Scenario::open(&self.scenario, scenarios)?;
        let plan = Plan::new(&scenario, &self.choices.to_choices())?;
        let backings = self.backings.to_choices();
        crate::run::run(&RunOptions {
            plan,
            runtime: self.runtime.find(&backings)?,
            backings,
            out: self.out.clone(),
            open: self.open,
            program: None,
        })
    }
}
