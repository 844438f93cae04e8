//! Autobahn's cases for WebSockets (RFC 6455), run by kosoku against the platform's hosting of long-lived connections: the
//! socket of the echo, which is that of the chat with other messages.
//!
//! Every case passes but those of compression (sections 12 and 13), which the hosting declines. Kosoku's cases are independent
//! of this project, so a finding is a bug here.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path, process::Command};

use nix::sys::signal::Signal;
use serde_json::Value;
use system_tests::{command::Desk, skip::skip};

/// The cases of each section, as kosoku 0.1.0 has them.
const SECTIONS: [(&str, usize); 11] = [
    ("1", 16),
    ("2", 11),
    ("3", 7),
    ("4", 10),
    ("5", 20),
    ("6", 145),
    ("7", 37),
    ("9", 54),
    ("10", 1),
    ("12", 90),
    ("13", 126),
];

/// The sections of compression.
const COMPRESSION: [&str; 2] = ["12", "13"];

/// How a case may end: as the RFC asks, or as it allows.
const PASSED: [&str; 3] = ["OK", "NON-STRICT", "INFORMATIONAL"];

#[test]
fn the_hosting_of_websockets_passes_every_case_of_autobahn() {
    let desk = Desk::new(env!("CARGO_BIN_EXE_with_third"));
    let mut up = desk.start(&["up", "echo"]);
    up.says("Ctrl-C stops it");
    let out = up.out();
    let public = out.lines().find_map(|line| line.strip_prefix("public API")).unwrap().trim();
    let socket = format!("{}/echoes/socket", public.replacen("http://", "ws://", 1));
    let Some(cases) = cases(&socket, &desk.path("kosoku")) else { return };
    let mut counted = BTreeMap::<&str, usize>::new();
    for (name, case) in &cases {
        let section = name.split('.').next().unwrap();
        *counted.entry(section).or_default() += 1;
        let said = case["behavior"].as_str().unwrap();
        let passes = if COMPRESSION.contains(&section) {
            said == "UNIMPLEMENTED"
        } else {
            PASSED.contains(&said) && PASSED.contains(&case["behaviorClose"].as_str().unwrap())
        };
        assert!(passes, "{name}: {case}");
    }
    assert_eq!(counted, SECTIONS.into());
    up.signal(Signal::SIGINT);
    assert_eq!(up.end().code, Some(0), "it was not harmed");
}

/// Runs the cases against a socket; returns what kosoku says of each, by its number. `None`, with a message, if there is no
/// kosoku.
fn cases(socket: &str, folder: &Path) -> Option<BTreeMap<String, Value>> {
    let mut command = Command::new("kosoku");
    command.args(["--parallelism", "4", "--outdir"]).arg(folder);
    for (section, _) in SECTIONS {
        command.args(["--include", &format!("{section}.*")]);
    }
    let ended = match command.arg(socket).output() {
        Ok(ended) => ended,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skip("`kosoku`", "`pip install kosoku`; `.ci/engine` says which version.");
            return None;
        }
        Err(error) => panic!("`kosoku`: {error}"),
    };
    // The exit code is not asked: compression that is declined is a failure to it.
    let index = fs::read_to_string(folder.join("index.json"));
    let said = [&ended.stdout, &ended.stderr].map(|said| String::from_utf8_lossy(said));
    let index = index.unwrap_or_else(|error| panic!("{error}: {}\n{}", said[0], said[1]));
    let agents: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(&index).unwrap();
    Some(agents.into_values().flatten().collect())
}
