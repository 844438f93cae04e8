//! External conformance suites: `h2spec` (RFC 9113 and RFC 7541) tests each system's HTTP/2, Schemathesis
//! tests each public API against its own description, and the audits of graphql-http test GraphQL over HTTP.
//!
//! None of them finds anything. Their checks are independent of this project, so a finding is a bug here.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    io::ErrorKind,
    path::PathBuf,
    process::{Command, Output},
};

use nix::sys::signal::Signal;
use scenario::systems;
use system_tests::{command::Desk, tree::root};

/// The output of a program in the project's folder, where its settings are; `None`, with a message, if it is
/// not installed.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn run(program: &str, arguments: &[&str], how_to_get: &str) -> Option<Output> {
    let notes = root().join("target/hypothesis");
    let mut command = Command::new(program);
    match command.args(arguments).current_dir(root()).env("HYPOTHESIS_STORAGE_DIRECTORY", notes).output() {
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

/// Starts a system as one process; calls `work` with the URLs of its public API and its internal server.
fn with_each(work: impl Fn(&str, &str, &str)) {
    for system in systems::names() {
        with(&[system], |public, internal| work(system, public, internal));
    }
}

/// Starts a wiring; calls `work` with the URLs of its public API and of its first process's internal server.
fn with(wiring: &[&str], work: impl Fn(&str, &str)) {
    let desk = Desk::new(env!("CARGO_BIN_EXE_hosted"));
    let mut running = desk.start(&[&["up"], wiring].concat());
    running.says("Ctrl-C stops it");
    let out = running.out();
    let public = out.lines().find_map(|line| line.strip_prefix("public API")).unwrap().trim();
    let internal = out.lines().find_map(|line| line.split_once("metrics ")).unwrap().1;
    work(public, internal.strip_suffix("/metrics").unwrap());
    running.signal(Signal::SIGINT);
    assert_eq!(running.end().code, Some(0), "it was not harmed");
}

#[test]
fn both_servers_of_a_process_speak_http_2_as_it_is_defined() {
    let how_to_get = "`.ci/engine` says which version, and builds it";
    with_each(|system, public, internal| {
        // These pages are long enough to keep their streams open for a while.
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

#[test]
fn the_shortener_does_what_its_description_says() {
    does_what_its_description_says(&["shortener"]);
    let apart = ["shortener", "--set", "placement=microservices", "--set", "transport=grpc"];
    does_what_its_description_says(&apart);
}

/// In one process: across a hop a decision has a tenth of a second, which a busy machine may exceed.
#[test]
fn the_limiter_does_what_its_description_says() {
    does_what_its_description_says(&["limiter"]);
}

#[test]
fn the_chain_does_what_its_description_says() {
    does_what_its_description_says(&["chain"]);
}

#[test]
fn the_cart_does_what_its_description_says() {
    does_what_its_description_says(&["cart"]);
}

#[test]
fn the_chat_does_what_its_description_says() {
    does_what_its_description_says(&["chat"]);
}

/// The folder where CI installs `tests/graphql-audits/package-lock.json`; `None`, with a message, if it has not.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn audits() -> Option<PathBuf> {
    let tools = root().join("target/ci/graphql-audits");
    if tools.join("node_modules").exists() {
        return Some(tools);
    }
    assert!(std::env::var("CI").is_err(), "CI has to provide `{}`", tools.display());
    eprintln!(
        "SKIPPED: no packages in `{}`; `npm ci` with `tests/graphql-audits/package*.json` there",
        tools.display()
    );
    None
}

/// Every MUST and every SHOULD of GraphQL over HTTP (<https://github.com/graphql/graphql-http>).
#[test]
fn graphql_over_http_is_what_its_audits_say() {
    let Some(tools) = audits() else { return };
    let script = root().join("tests/graphql-audits/audits.mjs");
    with(&["cart", "--set", "edge=graphql"], |public, _| {
        let url = format!("{public}/graphql");
        let arguments = [script.to_str().unwrap(), tools.to_str().unwrap(), &url];
        let Some(output) = run("node", &arguments, "Debian's nodejs") else { return };
        finds_nothing("cart", &output);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("61 audits, ") && said.contains("; 0 of MUST and SHOULD"), "{said}");
    });
}

/// The settings of Schemathesis: a filter that matches nothing is a warning, so a system with filters has its own.
fn settings(system: &str) -> &'static str {
    match system {
        "cart" => "tests/schemathesis/cart.toml",
        "chat" => "tests/schemathesis/chat.toml",
        _ => "schemathesis.toml",
    }
}

/// With every check, also for input that the description forbids; the seed is fixed, so findings are
/// reproducible.
fn does_what_its_description_says(wiring: &[&str]) {
    let how_to_get = "`pip install schemathesis`";
    with(wiring, |public, _| {
        let document = format!("{public}/openapi.json");
        let arguments = ["run", &document, "--checks=all", "--max-examples=100", "--seed=4711", "--no-color"];
        let arguments = [&["--config-file", settings(wiring[0])], &arguments[..]].concat();
        let Some(output) = run("schemathesis", &arguments, how_to_get) else { return };
        finds_nothing(wiring[0], &output);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("No issues found"), "{wiring:?}: {said}");
    });
}
