//! The command `lab`. Everything else is in the library, so that tests and benches reach it.

use std::process::ExitCode;

use clap::Parser;
use lab::cli::{Cli, Outcome};

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::ExpectationFailed) => ExitCode::from(1),
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
