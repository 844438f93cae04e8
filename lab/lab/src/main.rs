//! The command `lab`. Everything else is in the library, so that tests and benches reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    lab::cli::main()
}
