//! The lab's generator and k6 on the same running wiring: two independent programs measure the same system.
//!
//! The assertions have to hold on any machine: both reach the rate, both find every reply right, and both
//! measure the same time. The difference between them is in `docs/k6.md`.
//! Without k6 a message says so, and the test fails if `CI` is set.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    fs,
    io::ErrorKind,
    path::PathBuf,
    process::{Command, Stdio},
};

use nix::sys::signal::Signal;
use serde_json::Value;
use system_tests::{command::Desk, tree::root};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// Operations a second, and the duration in seconds: little enough for a slow machine, and enough for a p99.
const RATE: f64 = 100.0;
const SECONDS: f64 = 15.0;

/// The tolerance of the rate.
const TOLERANCE: f64 = 0.05;

/// The factor by which their medians may differ. They run one after the other, so the machine may have
/// changed, and k6 needs more of it; but two that measured different times would differ by more.
const SAME_THING: f64 = 4.0;

/// More than either has in flight before requests time out after 2 s, so k6 drops nothing on a busy machine.
const CONNECTIONS: &str = "256";

/// The path of k6: on the `PATH`, or where `go install` puts it; `None`, with a message, if there is none.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn k6() -> Option<PathBuf> {
    let home = std::env::var("HOME").unwrap_or_default();
    for place in [PathBuf::from("k6"), PathBuf::from(home).join("go/bin/k6")] {
        let version =
            Command::new(&place).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        match version {
            Ok(status) if status.success() => return Some(place),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => panic!("`{}` cannot be used: {other:?}", place.display()),
        }
    }
    assert!(std::env::var("CI").is_err(), "CI has to provide k6");
    eprintln!(
        "SKIPPED: k6 is not installed. `.ci/engine` says which version, and builds it; or https://grafana.com/docs/k6"
    );
    None
}

/// The results of a generator.
#[derive(Debug)]
struct Seen {
    /// Successful operations a second.
    rate: f64,
    /// The percentiles from the send to the end of the reply, in milliseconds: p50, p90, p99.
    percentiles: [f64; 3],
}

fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no `{path}` in {value}"))
}

/// k6 on the wiring at `url`.
fn by_k6(k6: &PathBuf, desk: &Desk, url: &str) -> Seen {
    let summary = desk.path("k6.json");
    let mut command = Command::new(k6);
    // Times in that file are always milliseconds.
    command.args(["run", "--quiet", "--no-usage-report", "--summary-export"]);
    command.arg(&summary);
    for setting in [
        format!("URL={url}"),
        format!("RATE={RATE}"),
        format!("DURATION={SECONDS}s"),
        format!("CONNECTIONS={CONNECTIONS}"),
        "LINKS=1000".to_owned(),
        "SEED=61".to_owned(),
        // The system's speed on this machine does not matter here.
        "P99_MS=10000".to_owned(),
    ] {
        command.args(["-e", &setting]);
    }
    let ended = command.arg(root().join("load/k6/shortener.js")).output().unwrap();
    assert!(ended.status.success(), "every threshold is kept, wrong answers among them: {ended:?}");
    let summary: Value = serde_json::from_str(&fs::read_to_string(summary).unwrap()).unwrap();
    let metric = |name: &str, member: &str| number(&summary, &format!("/metrics/{name}/{member}"));
    assert!(metric("checks", "fails") == 0.0 && metric("dropped_iterations", "count") == 0.0, "{summary}");
    // Every operation has one check. The overall times include requests before the load, so the times of
    // follows are used: 19 of 20 operations.
    let follows = ["p(50)", "p(90)", "p(99)"].map(|name| metric("http_req_duration{operation:follow}", name));
    Seen { rate: metric("checks", "passes") / SECONDS, percentiles: follows }
}

/// The lab's generator on the same wiring: constant arrivals, measured from the send.
fn by_the_lab(desk: &Desk, url: &str) -> Seen {
    let (rate, length) = (RATE.to_string(), format!("{SECONDS}s"));
    let mut arguments = vec!["load", "--json", "--system", "shortener", "--url", url];
    arguments.extend(["--rate", &rate, "--for", &length, "--arrivals", "constant"]);
    arguments.extend(["--links", "1000", "--seed", "62", "--connections", CONNECTIONS]);
    let ended = desk.lab(&arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let figures: Value = serde_json::from_str(&ended.out).unwrap();
    for unhappy in ["failed", "refused"] {
        assert_eq!(figures[unhappy], serde_json::json!({}), "{figures}");
    }
    assert_eq!(figures["unsent"], 0, "{figures}");
    let sent = ["p50", "p90", "p99"].map(|name| number(&figures, &format!("/latency_from_send_us/{name}")));
    Seen { rate: number(&figures, "/succeeded") / SECONDS, percentiles: sent.map(|us| us / 1_000.0) }
}

#[test]
fn k6_and_the_lab_see_the_same_system() {
    let Some(k6) = k6() else { return };
    let desk = Desk::new(PROGRAM);
    let mut system = desk.start(&["up", "shortener", "--set", "placement=monolith", "--set", "cache=local"]);
    system.says("Ctrl-C stops it");
    let out = system.out();
    let url =
        out.lines().find_map(|line| line.strip_prefix("public API")).expect("it says where it is").trim();

    let seen = [("k6", by_k6(&k6, &desk, url)), ("the lab", by_the_lab(&desk, url))];
    eprintln!("{:<8} {:>10} {:>9} {:>9} {:>9}", "", "ops/s", "p50 ms", "p90 ms", "p99 ms");
    for (name, Seen { rate, percentiles: [p50, p90, p99] }) in &seen {
        eprintln!("{name:<8} {rate:>10.1} {p50:>9.3} {p90:>9.3} {p99:>9.3}");
    }
    for (name, seen) in &seen {
        assert!((seen.rate / RATE - 1.0).abs() <= TOLERANCE, "{name}: {seen:?}");
        assert!(seen.percentiles[0] > 0.0, "{name}: {seen:?}");
    }
    let [k6, lab] = seen.map(|(_, seen)| seen.percentiles[0]);
    let factor = (k6 / lab).max(lab / k6);
    assert!(factor < SAME_THING, "k6 says {k6} ms, and the lab {lab} ms: they do not time the same thing");

    system.signal(Signal::SIGINT);
    let ended = system.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    desk.is_tidy();
}
