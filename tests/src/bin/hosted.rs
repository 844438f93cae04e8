//! The lab's command, built for this crate's tests: cargo gives a test the paths of its own package's
//! binaries only.
//!
//! Unlike the lab's own, its service processes end at failpoints: those that have a file in the folder `failpoints` beside
//! their configuration.

use std::{env::args_os, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let mut arguments = args_os().skip(1);
    if arguments.next().is_some_and(|command| command == "host")
        && let Some(file) = arguments.next()
    {
        backing::failpoint::armed_in(Path::new(&file).with_file_name("failpoints"));
    }
    lab::cli::main()
}
