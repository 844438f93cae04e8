//! `lab list`: every system and every question that can be asked of it.

use std::path::Path;

use anyhow::Result;

use crate::{
    cli::Outcome,
    output,
    scenario::{Comparison, Library},
    systems,
};

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Then:\n  lab show shortener/placement   what a question is about\n  lab show shortener             what the system can be built from"
)]
pub struct Args {}

impl Args {
    /// Prints the lists; scenarios that cannot be read are named on standard error, and the others listed.
    pub fn run(&self, scenarios: Option<&Path>) -> Result<Outcome> {
        let mut table = output::table(["system", "what it is", "components"]);
        for system in systems::all() {
            let components: Vec<_> = system.components.iter().map(|(name, _)| *name).collect();
            table.add_row([system.name, system.summary, &components.join(", ")]);
        }
        output::data(&format!("{table}\n"))?;
        let library = Library::find(scenarios)?;
        let mut table = output::table(["scenario", "the question", "what differs"]);
        for name in library.names() {
            match library.open(&name) {
                Ok(scenario) => {
                    let differs = differs(&scenario.comparison);
                    table.add_row([name, scenario.question, differs]);
                }
                Err(fault) => output::talk(&format!("warning: {fault}")),
            }
        }
        output::data(&format!("{table}\n"))?;
        Ok(Outcome::Done)
    }
}

/// `placement: monolith, microservices`; for a waterfall its steps.
fn differs(comparison: &Comparison) -> String {
    match comparison {
        Comparison::Axis { axis, arms } => format!("{axis}: {}", arms.join(", ")),
        Comparison::Steps(_) => comparison.arm_names().join(" -> "),
    }
}
