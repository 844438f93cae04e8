//! `lab proxy FILE`: the proxy on an arm's links.

use std::path::PathBuf;

use anyhow::Result;
use runtimes::process::proxy;

use crate::outcome::Outcome;

/// What can be said.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The links, and the address of the admin API
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Args {
    /// Serves until standard input ends.
    pub fn run(&self) -> Result<Outcome> {
        proxy::run(&self.file)?;
        Ok(Outcome::Done)
    }
}
