//! `lab broker`: the embedded event log.

use anyhow::Result;

use crate::{cli::Outcome, process::broker};

/// What can be said.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    /// Serves until standard input ends.
    pub fn run(&self) -> Result<Outcome> {
        broker::run()?;
        Ok(Outcome::Done)
    }
}
