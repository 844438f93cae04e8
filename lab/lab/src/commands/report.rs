//! `lab report`: the report of an earlier run, drawn again.

use std::path::PathBuf;

use anyhow::Result;

use crate::{outcome::Outcome, runs};

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lab report latest --open\n  lab report runs/2026-01-31-shortener-placement"
)]
pub struct Args {
    /// The run: its folder, its name in the folder of runs, how only that name begins, or `latest`
    #[arg(value_name = "RUN")]
    run: String,
    /// The folder that runs are kept in
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
    /// Open the report in a browser
    #[arg(long)]
    open: bool,
}

impl Args {
    /// Renders every form from `report.json` and prints the terminal's.
    pub fn run(&self) -> Result<Outcome> {
        let folder = runs::find(&self.run, &self.runs)?;
        crate::run::redraw(&folder, self.open)?;
        Ok(Outcome::Done)
    }
}
