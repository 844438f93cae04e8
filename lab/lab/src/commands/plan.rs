//! `lab plan`: prints what a run would start, without starting it.

use std::{fmt::Write, path::Path};

use anyhow::Result;
use runtimes::arm::BackingChoices;
use scenario::{
    Kind, Scenario,
    plan::{Diff, Plan, about, topology},
};

use super::{
    choices::{GivenBackings, PlanChoices},
    phases::phased,
};
use crate::{outcome::Outcome, output};

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lab plan shortener/placement\n  lab plan shortener/placement --hold transport=grpc   the same question over gRPC\n  lab plan shortener/placement --arm monolith --arm monolith   the lab against itself\n  lab plan shortener/placement --toml > plan.toml"
)]
pub struct Args {
    /// The scenario: `shortener/placement`, or a path to a `.toml` file
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// Print the plan as TOML, as a run keeps it
    #[arg(long)]
    toml: bool,
    #[command(flatten)]
    choices: PlanChoices,
    #[command(flatten)]
    backings: GivenBackings,
}

impl Args {
    /// Prints the plan.
    pub fn run(&self, scenarios: Option<&Path>) -> Result<Outcome> {
        let scenario = Scenario::open(&self.scenario, scenarios)?;
        let plan = Plan::new(&scenario, &self.choices.to_choices())?;
        let text = if self.toml { plan.to_toml() } else { readable(&plan, &self.backings.to_choices()) };
        output::data(&text)?;
        Ok(Outcome::Done)
    }
}

fn readable(plan: &Plan, backings: &BackingChoices) -> String {
    let diff = plan.diff();
    let mut text = format!("{}: {}\n\n", plan.scenario.name, plan.scenario.question);
    for arm in &plan.arms {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}\n{}", arm.label, topology(arm));
    }
    let _ = writeln!(text, "{}\n\n{}\n", axes(plan, &diff), diff.sentence());
    text.push_str(&offered(plan, backings));
    text
}

/// Every axis with its value in each arm; a `>` marks those that differ.
fn axes(plan: &Plan, diff: &Diff) -> comfy_table::Table {
    let mut table = output::table(["axis"; 1]);
    let labels = plan.arms.iter().map(|arm| arm.label.clone());
    table.set_header(std::iter::once("axis".to_owned()).chain(labels));
    for row in &diff.rows {
        let name = if row.differs { format!("> {}", row.axis) } else { format!("  {}", row.axis) };
        table.add_row(std::iter::once(name).chain(row.values.iter().cloned()));
    }
    table
}

fn offered(plan: &Plan, backings: &BackingChoices) -> String {
    let load = &plan.load;
    let slices = if plan.scenario.kind == Kind::Episodes { "whole episodes" } else { "slices" };
    let mut text = format!(
        "load: `{}` at {} operations a second ({}), {} s measured in {slices} of {} ms, {} launches, seed {}\n",
        load.mix,
        load.rate,
        load.arrivals.name(),
        load.measured.as_secs(),
        load.slice.as_millis(),
        load.launches,
        plan.seed,
    );
    text.push_str(&phased(&load.phases, load.rate));
    for fault in &plan.scenario.faults {
        let _ = writeln!(text, "fault: {fault}, in every arm");
    }
    let _ = writeln!(
        text,
        "processors: {:?} for the generator, {:?} shared by all arms",
        plan.budget.generator, plan.budget.arms,
    );
    let [whole, quick] = [false, true].map(|quick| about(plan.in_form(quick).takes()));
    let _ = writeln!(text, "takes: about {whole}, or {quick} with --quick");
    let _ = writeln!(text, "{}", plan.precision_of_p99());
    for (arm, lacking) in backings.lacking(plan) {
        let _ =
            writeln!(text, "note: the arm `{arm}` will be skipped: {}\nhint: {}", lacking.why, lacking.hint);
    }
    for warning in plan.warnings() {
        let _ = writeln!(text, "note: {warning}");
    }
    if let Some(caveat) = plan.budget.caveat() {
        let _ = writeln!(text, "note: {caveat}");
    }
    let _ = writeln!(text, "\nnext: {}", plan.command(true));
    text
}
