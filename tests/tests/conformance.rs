//! What others hold a server to: `h2spec` (RFC 9113 and RFC 7541) asks each system whether it speaks HTTP/2.
//!
//! It finds nothing. What it asks is its own, so a finding is a fault here.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    io::ErrorKind,
    process::{Command, Output},
};

use nix::sys::signal::Signal;
use system_tests::command::Desk;

const SYSTEMS: [&str; 2] = ["shortener", "limiter"];

/// What a program says; `None`, said loudly, where it is not installed.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn run(program: &str, arguments: &[&str], how_to_get: &str) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(std::env::var("CI").is_err(), "CI has to provide `{program}`");
            eprintln!("SKIPPED: no `{program}` on the PATH; {how_to_get}");
            None
        }
        Err(error) => panic!("`{program}`: {error}"),
    }
}

#[track_caller]
fn finds_nothing(system: &str, output: &Output) {
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    assert!(output.status.success(), "{system}: {}\n{}", said[0], said[1]);
}

/// Starts a system as one process, and does something with where its public API and its internal server are.
fn with_each(work: impl Fn(&str, &str, &str)) {
    for system in SYSTEMS {
        let desk = Desk::new(env!("CARGO_BIN_EXE_hosted"));
        let mut running = desk.start(&["up", system]);
        running.says("Ctrl-C stops it");
        let out = running.out();
        let public = out.lines().find_map(|line| line.strip_prefix("public API")).unwrap().trim();
        let internal = out.lines().find_map(|line| line.split_once("metrics ")).unwrap().1;
        work(system, public, internal.strip_suffix("/metrics").unwrap());
        running.signal(Signal::SIGINT);
        assert_eq!(running.end().code, Some(0), "it was not harmed");
    }
}

#[test]
fn both_servers_of_a_process_speak_http_2_as_it_is_defined() {
    let how_to_get = "`go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible`";
    with_each(|system, public, internal| {
        // It asks for pages that have something to say, and so keep their streams open for a while.
        for (url, path) in [(public, "/openapi.json"), (internal, "/metrics")] {
            let (host, port) = url.strip_prefix("http://").unwrap().rsplit_once(':').unwrap();
            let arguments = ["--strict", "--host", host, "--port", port, "--path", path];
            let Some(output) = run("h2spec", &arguments, how_to_get) else { return };
            finds_nothing(system, &output);
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(said.contains("146 tests, 146 passed, 0 skipped, 0 failed"), "{system} {path}: {said}");
        }
    });
}
