//! `lab keep`: the parent of a throwaway server.

use std::path::PathBuf;

use anyhow::Result;
use runtimes::process::keep::{self, Ask, Keep};
use scenario::diagnostic::Diagnostic;

use crate::outcome::Outcome;

/// What can be said.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to remove at the end
    #[arg(long)]
    folder: PathBuf,
    /// The user and group to run as
    #[arg(long, value_name = "UID:GID", value_parser = user)]
    user: Option<(u32, u32)>,
    /// How the server is asked to end
    #[arg(long, value_parser = ask, default_value = Ask::Terminate.name())]
    ask: Ask,
    /// The server's command line
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

impl Args {
    /// Keeps the server until standard input ends.
    pub fn run(&self) -> Result<Outcome> {
        keep::run(&Keep {
            folder: self.folder.clone(),
            user: self.user,
            ask: self.ask,
            command: self.command.clone(),
        })?;
        Ok(Outcome::Done)
    }
}

fn ask(text: &str) -> Result<Ask, Diagnostic> {
    let known = Ask::ALL.into_iter().find(|ask| ask.name() == text);
    known.ok_or_else(|| Diagnostic::new("expected `interrupt` or `terminate`"))
}

/// `UID:GID`.
pub(super) fn user(text: &str) -> Result<(u32, u32), Diagnostic> {
    text.split_once(':')
        .and_then(|(user, group)| Some((user.parse().ok()?, group.parse().ok()?)))
        .ok_or_else(|| Diagnostic::new("expected `UID:GID`"))
}
