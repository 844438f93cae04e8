//! `lab doctor`: what this machine offers, and what each missing thing would add.

mod ask;
mod checks;

use anyhow::Result;

use self::checks::{Finding, State};
use super::choices::KafkaPlace;
use crate::{outcome::Outcome, output};

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing that is missing stops the lab: the first run needs nothing installed.\nWhat it changes is how sure the figures are, and which arms can be had."
)]
pub struct Args {
    #[command(flatten)]
    kafka: KafkaPlace,
}

impl Args {
    /// Prints the findings.
    pub fn run(&self) -> Result<Outcome> {
        let mut table = output::table(["", "what", "found", "what it means, and how to get more"]);
        for Finding { state, what, found, means } in checks::all(&self.kafka.to_choices()) {
            let mark = match state {
                State::Good => "ok",
                State::Less => "less",
                State::Missing => "none",
            };
            table.add_row([mark, what, &found, &means]);
        }
        output::data(&format!("{table}\n"))?;
        Ok(Outcome::Done)
    }
}
