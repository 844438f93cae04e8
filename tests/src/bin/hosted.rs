//! The lab's command, built for this crate's tests: cargo gives a test the paths of its own package's
//! binaries only.

use std::process::ExitCode;

fn main() -> ExitCode {
    lab::cli::main()
}
