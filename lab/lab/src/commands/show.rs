//! `lab show`: a scenario's question and claims, or a system's axes.

mod saga;

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use design::System;
use report::{
    picture::{Picture, text},
    svg,
};
use scenario::{
    Claim, Comparison, Expectation, Library, Scenario,
    diagnostic::Diagnostic,
    plan::{Choices, Plan},
    systems,
};

use super::phases::phased;
use crate::{outcome::Outcome, output, rehearsal};

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lab show shortener/placement   the question, why it matters, what textbooks claim\n  lab show shortener             the components, the placements, every axis with its values\n\nWhere a system's logic can be worked out without running it, what each arm does with the load is\ndrawn as well."
)]
pub struct Args {
    /// A scenario (`shortener/placement`, or a path to a `.toml` file), a system (`shortener`), or a theme (`resilience`)
    #[arg(value_name = "SCENARIO|SYSTEM|THEME")]
    name: String,
    /// Write the drawing of what each arm does with the load to this file, as SVG
    #[arg(long, value_name = "FILE.svg")]
    picture: Option<PathBuf>,
}

impl Args {
    /// Prints the explanation.
    pub fn run(&self, scenarios: Option<&Path>) -> Result<Outcome> {
        let text = if let Some(system) = systems::find(&self.name) {
            self.draw(None)?;
            explain_system(system)
        } else if let Some(theme) = theme(&self.name, scenarios)? {
            self.draw(None)?;
            theme
        } else {
            let scenario = Scenario::open(&self.name, scenarios)?;
            let picture = rehearsal::picture(&Plan::new(&scenario, &Choices::default())?);
            self.draw(picture.as_ref())?;
            explain_scenario(&scenario, picture.as_ref())
        };
        output::data(&text)?;
        Ok(Outcome::Done)
    }

    /// Writes the drawing if a file was given.
    fn draw(&self, picture: Option<&Picture>) -> Result<()> {
        let Some(path) = &self.picture else {
            return Ok(());
        };
        let Some(picture) = picture else {
            let what = format!("there is nothing to draw of `{}` without running it", self.name);
            let hint = "a drawing needs a scenario with `[[load.phases]]`, and a system whose logic can be worked out";
            return Err(Diagnostic::new(what).hint(hint).into());
        };
        std::fs::write(path, svg::standalone(picture))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        output::talk(&format!("the drawing: {}", path.display()));
        Ok(())
    }
}

/// The questions of a theme; `None` if no folder of scenarios has this name.
fn theme(name: &str, scenarios: Option<&Path>) -> Result<Option<String>> {
    if name.contains(['/', '.']) {
        return Ok(None);
    }
    let library = Library::find(scenarios)?;
    let names = library.names_in(name);
    if names.is_empty() {
        return Ok(None);
    }
    let mut text = format!("{name}: a theme; each of its scenarios says which system it is about\n\n");
    for name in &names {
        let scenario = library.open(name)?;
        let _ = writeln!(text, "{name}, of the system `{}`\n  {}", scenario.system.name, scenario.question);
    }
    let _ = writeln!(text, "\nnext: lab show {}", names[0]);
    Ok(Some(text))
}

fn explain_system(system: &System) -> String {
    let mut text = format!("{}: {}\n\ncomponents\n", system.name, system.summary);
    for (name, summary) in system.components {
        line(&mut text, name, summary);
    }
    if !system.topics.is_empty() {
        text.push_str("\ntopics of events\n");
    }
    for topic in system.topics {
        let groups: Vec<_> =
            topic.groups.iter().map(|group| format!("`{}` of {}", group.name, group.component)).collect();
        line(&mut text, topic.name, topic.summary);
        let (from, to) = (topic.publishers.join(", "), groups.join(", "));
        line(&mut text, "", &format!("carries `{}`, from {from} to {to}", topic.carries));
    }
    text.push_str(&saga::drawn(system.rules.saga()));
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
        for range in axis.ranges {
            line(&mut text, range.name, range.summary);
        }
    }
    text.push_str("\nmixes: which operations does a load consist of?\n");
    for (mix, summary) in systems::mixes_told(system.name) {
        line(&mut text, mix, summary);
    }
    let options = systems::options(system.name);
    if !options.is_empty() {
        text.push_str("\noptions of a load: `options` of a scenario, `--option` of `lab load`\n");
    }
    for option in options {
        line(&mut text, option.name, option.summary);
    }
    text.push_str("\nThe first value of each axis is its default, and so is the first mix. `lab up ");
    let _ = writeln!(text, "{} --set axis=value` builds any of them.", system.name);
    text
}

fn line(text: &mut String, name: &str, summary: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {name:<14} {summary}");
}

fn explain_scenario(scenario: &Scenario, picture: Option<&Picture>) -> String {
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
    let phases = phased(&scenario.load.phases, scenario.load.rate);
    if !phases.is_empty() {
        let _ = write!(text, "\nthe load, phase by phase\n{phases}");
    }
    if let Some(picture) = picture {
        let _ = write!(text, "\n{}", text::render(picture, output::columns(text::WIDEST)));
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
    let bound = claim.than.map(|bound| format!(" {bound}")).unwrap_or_default();
    let expected = match claim.expect {
        Expectation::Holds => "expected to hold",
        Expectation::DoesNotHold => "expected not to hold here",
    };
    let _ = writeln!(
        text,
        "    tested as: `{}` of `{}` is {}{bound}{against}{factor}; {expected}",
        claim.metric.name(),
        claim.arm,
        claim.is.name(),
    );
}
