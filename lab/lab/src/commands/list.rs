//! `lab list`: every system and every question that can be asked of it.

use std::{fmt::Write, path::Path};

use anyhow::{Context, Error, Result};
use runtimes::arm::{BackingChoices, Lacking};
use scenario::{
    Comparison, Library, diagnostic,
    plan::{Choices, Plan, about},
    systems,
};

use super::choices::GivenBackings;
use crate::{outcome::Outcome, output};

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Then:\n  lab show shortener/placement   what a question is about\n  lab show shortener             what the system can be built from"
)]
pub struct Args {
    #[command(flatten)]
    backings: GivenBackings,
}

impl Args {
    /// Prints the lists. Scenarios that cannot be read or planned are an error, reported after the list.
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
        let (backings, mut faults) = (self.backings.to_choices(), Vec::new());
        for name in library.names() {
            let plan = match planned(&library, &name) {
                Ok(plan) => plan,
                Err(fault) => {
                    faults.push(fault);
                    continue;
                }
            };
            let scenario = &plan.scenario;
            let [quick, whole] = [true, false].map(|quick| about(plan.in_form(quick).takes()));
            lacking.push_str(&missing(&name, &plan, &backings));
            table.add_row([name, scenario.question.clone(), differs(&scenario.comparison), quick, whole]);
        }
        output::data(&format!("{table}\n{lacking}"))?;
        if faults.is_empty() { Ok(Outcome::Done) } else { Err(all(&faults)) }
    }
}

fn planned(library: &Library, name: &str) -> Result<Plan> {
    let scenario = library.open(name)?;
    Plan::new(&scenario, &Choices::default()).with_context(|| format!("cannot plan `{name}`"))
}

/// The error messages of all scenarios, each as if alone.
fn all(faults: &[Error]) -> Error {
    let told: Vec<_> = faults.iter().map(diagnostic::told).collect();
    let told = told.join("\n");
    Error::msg(told.strip_prefix("error: ").unwrap_or(&told).to_owned())
}

/// The arms that this machine cannot run, one per line.
fn missing(name: &str, plan: &Plan, backings: &BackingChoices) -> String {
    let mut text = String::new();
    for (arm, Lacking { why, hint }) in backings.lacking(plan) {
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
