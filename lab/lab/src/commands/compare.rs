//! `lab compare`: compares two runs of one question.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use report::compare::{self, markdown, terminal};

use crate::{outcome::Outcome, output, runs};

const HELP: &str = "\
A run measures how far its arms lie apart: on one machine, at one commit, under one load.
Two runs of the same scenario say whether that is a property of the question.
What differed between them comes first; then each difference between arms by each run, and
the one run's divided by the other's, with its interval.

Examples:
  lab compare 2026-01-31-shortener-placement 2026-02-07-shortener-placement
  lab compare 2026-01-31 latest --markdown

The exit code is 0 whether they agree or not: a disagreement is a finding.
It is 2 if they cannot be held against each other.";

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// A run: its folder, its name in the folder of runs, how only that name begins, or `latest`
    #[arg(value_name = "RUN")]
    first: String,
    /// Another run of the same scenario
    #[arg(value_name = "RUN")]
    second: String,
    /// The folder that runs are kept in
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
    /// Print Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Prints the comparison.
    pub fn run(&self) -> Result<Outcome> {
        let read = |name: &str| runs::read(&runs::find(name, &self.runs)?);
        let compared = compare::compare(&read(&self.first)?, &read(&self.second)?)?;
        let text = if self.json {
            serde_json::to_string_pretty(&compared).context("cannot write JSON")? + "\n"
        } else if self.markdown {
            markdown::render(&compared)
        } else {
            terminal::render(&compared)
        };
        output::data(&text)?;
        Ok(Outcome::Done)
    }
}
