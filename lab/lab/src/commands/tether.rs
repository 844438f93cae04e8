//! `lab tether`: becomes a server that ends with its keeper.

use anyhow::Result;
use runtimes::process::tether::{self, Tether};

use super::keep::user;
use crate::outcome::Outcome;

/// What can be said.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The keeper's process id
    #[arg(long, value_name = "PID")]
    keeper: i32,
    /// The user and group to run as
    #[arg(long, value_name = "UID:GID", value_parser = user)]
    user: Option<(u32, u32)>,
    /// The server's command line
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

impl Args {
    /// Becomes the server.
    pub fn run(&self) -> Result<Outcome> {
        tether::run(&Tether { keeper: self.keeper, user: self.user, command: self.command.clone() })?;
        Ok(Outcome::Done)
    }
}
