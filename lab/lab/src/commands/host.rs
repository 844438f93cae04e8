//! `lab host FILE`: one service process.

use std::path::PathBuf;

use anyhow::Result;
use scenario::{
    diagnostic::{Diagnostic, did_you_mean},
    systems,
};

use crate::outcome::Outcome;

/// What can be said.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What this process is: see `lab up`, which shows where such files are
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Args {
    /// Serves until SIGTERM, or until standard input ends.
    pub fn run(&self) -> Result<Outcome> {
        let file = runtime::read_process_config(&self.file)?;
        let service = systems::service(&file.system).ok_or_else(|| {
            Diagnostic::new(format!("there is no system `{}`", file.system))
                .hint(did_you_mean(&file.system, systems::names()))
        })?;
        runtime::host(service, file)?;
        Ok(Outcome::Done)
    }
}
