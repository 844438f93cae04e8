//! `lab list`: every system and every question that can be asked of it.

use std::{fmt::Write, path::Path};

use anyhow::Result;

use crate::{
    cli::Outcome,
    output,
    plan::{Choices, Plan, about},
    process::{BackingChoices, Lacking},
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
        let header = ["scenario", "the question", "what differs", "quick form", "whole form"];
        let (mut table, mut lacking) = (output::table(header), String::new());
        for name in library.names() {
            let scenario = match library.open(&name) {
                Ok(scenario) => scenario,
                Err(fault) => {
                    output::talk(&format!("warning: {fault}"));
                    continue;
                }
            };
            let plan = Plan::new(&scenario, &Choices::default())?;
            let [quick, whole] = [true, false].map(|quick| about(plan.in_form(quick).takes()));
            lacking.push_str(&missing(&name, &plan));
            table.add_row([name, scenario.question, differs(&scenario.comparison), quick, whole]);
        }
        output::data(&format!("{table}\n{lacking}"))?;
        Ok(Outcome::Done)
    }
}

/// The arms that this machine cannot have, a line each.
fn missing(name: &str, plan: &Plan) -> String {
    let mut text = String::new();
    for (arm, Lacking { why, hint }) in plan.lacking(&BackingChoices::default()) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}: the arm `{arm}` will be skipped: {why}\n  hint: {hint}");
    }
    text
}

/// `placement: monolith, microservices`; for a waterfall its steps.
fn differs(comparison: &Comparison) -> String {
    match comparison {
        Comparison::Axis { axis, arms } => format!("{axis}: {}", arms.join(", ")),
        Comparison::Steps(_) => comparison.arm_names().join(" -> "),
    }
}
