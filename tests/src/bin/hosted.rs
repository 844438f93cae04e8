//! The lab's command, built for the tests of this crate: cargo names a test only the binaries of its own package.

use std::process::ExitCode;

fn main() -> ExitCode {
    lab::cli::main()
}
