//! `lab provider FILE`: the stand-in for a payment provider.

use std::path::PathBuf;

use anyhow::Result;
use runtimes::process::provider;

use crate::outcome::Outcome;

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(after_help = "A FILE; the first two lines are enough, and then nothing goes wrong:
  listen = '127.0.0.1:7070'
  books = 'books.db'
  [script]
  seed = 7                       # from it follows which requests a share hits
  declined = 0.05                # the share of charges that are declined
  lost_replies = 0.1             # the share of requests that are executed, and get no reply
  latency = { log-normal = { median_ms = 50, p99_ms = 400 } }
  webhooks = { once = 7, twice = 1, early = 1, late = 1, out_of_order = 1, never = 1 }

Hold 5 euros, and look into the books:
  curl -i http://127.0.0.1:7070/charges -H 'idempotency-key: first' \\
    -H 'content-type: application/json' \\
    -d '{\"order\":\"1\",\"amount_minor\":500,\"currency\":\"EUR\",\"token\":\"visa\"}'
  curl http://127.0.0.1:7070/books

The same command again gets the same reply: a key charges once. Then `POST /charges/ID/capture`
takes the money, `/void` lets it go, and `/refunds` gives it back. The books survive `kill -9`.")]
pub struct Args {
    /// Where it listens, its books, and what goes wrong
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Check the health of the provider that was started with this file, as a container does
    #[arg(long)]
    check: bool,
}

impl Args {
    /// Serves until SIGTERM.
    pub fn run(&self) -> Result<Outcome> {
        if self.check {
            provider::check(&self.file)?;
        } else {
            runtime::log();
            provider::run(&self.file)?;
        }
        Ok(Outcome::Done)
    }
}
