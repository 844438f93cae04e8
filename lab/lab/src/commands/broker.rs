//! `lab broker`: the embedded event log.

use anyhow::Result;
use runtimes::process::broker;

use crate::outcome::Outcome;

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
