//! `lab show`: what a scenario asks and claims, or what a system can be built from.

use std::{fmt::Write, path::Path};

use anyhow::Result;
use runtime::{Accepts, System};

use crate::{
    cli::Outcome,
    output,
    scenario::{Claim, Comparison, Expectation, Scenario},
    systems,
};

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lab show shortener/placement   the question, why it matters, what textbooks claim\n  lab show shortener             the components, the placements, every axis with its values"
)]
pub struct Args {
    /// A scenario (`shortener/placement`, or a path to a `.toml` file), or a system (`shortener`)
    #[arg(value_name = "SCENARIO|SYSTEM")]
    name: String,
}

impl Args {
    /// Prints the explanation.
    pub fn run(&self, scenarios: Option<&Path>) -> Result<Outcome> {
        let text = match systems::find(&self.name) {
            Some(system) => explain_system(system),
            None => explain_scenario(&Scenario::open(&self.name, scenarios)?),
        };
        output::data(&text)?;
        Ok(Outcome::Done)
    }
}

fn explain_system(system: &System) -> String {
    let mut text = format!("{}: {}\n\ncomponents\n", system.name, system.summary);
    for (name, summary) in system.components {
        line(&mut text, name, summary);
    }
    text.push_str("\nplacement: which components share a process?\n");
    for placement in system.placements {
        line(&mut text, placement.name, placement.summary);
    }
    for axis in system.axes {
        let _ = writeln!(text, "\n{}: {}", axis.name, axis.summary);
        for value in axis.values {
            line(&mut text, value.name, value.summary);
            if let Some(breaks) = value.control {
                line(&mut text, "", &format!("a negative control: {breaks}"));
            }
        }
        if axis.accepts == Accepts::Share {
            line(&mut text, "0 to 1", "that share, such as `0.01`");
        }
    }
    text.push_str("\nThe first value of each axis is its default. `lab up ");
    let _ = writeln!(text, "{} --set axis=value` builds any of them.", system.name);
    text
}

fn line(text: &mut String, name: &str, summary: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {name:<14} {summary}");
}

fn explain_scenario(scenario: &Scenario) -> String {
    let mut text = format!("{}\n\n{}\n\n{}\n", scenario.name, scenario.question, scenario.why);
    text.push_str("\nwhat differs\n");
    match &scenario.comparison {
        Comparison::Axis { axis, arms } => line(&mut text, axis, &arms.join(", ")),
        Comparison::Steps(steps) => {
            for step in steps {
                let change = step.change.as_ref().map_or_else(
                    || "where the walk begins".to_owned(),
                    |(axis, value)| format!("{axis} = {value}"),
                );
                line(&mut text, &step.label, &change);
            }
        }
    }
    text.push_str("\nwhat is held (every other axis is at its default)\n");
    for (axis, value) in &scenario.hold {
        line(&mut text, axis, value);
    }
    if !scenario.faults.is_empty() {
        text.push_str("\nwhat goes wrong on purpose, in every arm\n");
    }
    for fault in &scenario.faults {
        let _ = writeln!(text, "  - {fault}");
    }
    text.push_str("\nwhat to look for\n");
    for look_for in &scenario.look_for {
        let _ = writeln!(text, "  - {look_for}");
    }
    text.push_str("\nwhat textbooks claim, and this scenario tests\n");
    for claim in &scenario.claims {
        explain_claim(&mut text, claim);
    }
    let notes = scenario.notes_path();
    if notes.exists() {
        let _ = writeln!(text, "\nthe notes that teach it: {}", notes.display());
    }
    let _ = writeln!(text, "\nnext: lab run {} --quick", scenario.name);
    text
}

fn explain_claim(text: &mut String, claim: &Claim) {
    let _ = writeln!(text, "  - {}\n    ({})", claim.text, claim.source);
    let against = claim.against.as_ref().map(|against| format!(" than `{against}`")).unwrap_or_default();
    let factor =
        claim.by_at_least.map(|factor| format!(", by a factor of at least {factor}")).unwrap_or_default();
    let expected = match claim.expect {
        Expectation::Holds => "expected to hold",
        Expectation::DoesNotHold => "expected not to hold here",
    };
    let _ = writeln!(
        text,
        "    tested as: `{}` of `{}` is {}{against}{factor}; {expected}",
        claim.metric.name(),
        claim.arm,
        claim.is.name(),
    );
}
