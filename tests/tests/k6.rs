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
/// The resolution of a clock in a script of k6's, in milliseconds: the resolution of the latencies that it works out itself.
const CLOCK_MS: f64 = 1.0;

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
    /// The percentiles of their latency, in milliseconds: p50, p90, p99.
    percentiles: [f64; 3],
}

fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no `{path}` in {value}"))
}

/// The summary of a script of k6's on the wiring at `url`; every threshold of the script is kept.
fn summary_of(k6: &PathBuf, desk: &Desk, url: &str, system: &str, settings: &[String]) -> Value {
    let summary = desk.path("k6.json");
    let mut command = Command::new(k6);
    // Times in that file are always milliseconds.
    command.args(["run", "--quiet", "--no-usage-report", "--summary-export"]);
    command.arg(&summary);
    // The system's speed on this machine does not matter here.
    let common = [format!("URL={url}"), format!("DURATION={SECONDS}s"), "P99_MS=10000".to_owned()];
    for setting in common.iter().chain(settings) {
        command.args(["-e", setting]);
    }
    let ended = command.arg(root().join(format!("load/k6/{system}.js"))).output().unwrap();
    assert!(ended.status.success(), "every threshold is kept, wrong answers among them: {ended:?}");
    serde_json::from_str(&fs::read_to_string(summary).unwrap()).unwrap()
}

/// k6 on the shortener at `url`.
fn follows_by_k6(k6: &PathBuf, desk: &Desk, url: &str) -> Seen {
    let settings = [
        format!("RATE={RATE}"),
        format!("CONNECTIONS={CONNECTIONS}"),
        "LINKS=1000".to_owned(),
        "SEED=61".to_owned(),
    ];
    let summary = summary_of(k6, desk, url, "shortener", &settings);
    let metric = |name: &str, member: &str| number(&summary, &format!("/metrics/{name}/{member}"));
    assert!(metric("checks", "fails") == 0.0 && metric("dropped_iterations", "count") == 0.0, "{summary}");
    // Every operation has one check. The overall times include requests before the load, so the times of
    // follows are used: 19 of 20 operations.
    let follows = ["p(50)", "p(90)", "p(99)"].map(|name| metric("http_req_duration{operation:follow}", name));
    Seen { rate: metric("checks", "passes") / SECONDS, percentiles: follows }
}

/// k6 on the chat at `url`: from when a message is due until the last member has it.
fn messages_by_k6(k6: &PathBuf, desk: &Desk, url: &str) -> Seen {
    let settings = [format!("RATE={RATE}"), "ROOMS=4".to_owned(), "SEED=61".to_owned()];
    let summary = summary_of(k6, desk, url, "chat", &settings);
    let metric = |name: &str, member: &str| number(&summary, &format!("/metrics/{name}/{member}"));
    assert!(metric("checks", "fails") == 0.0, "{summary}");
    let deliveries = ["p(50)", "p(90)", "p(99)"].map(|name| metric("delivery", name));
    Seen { rate: metric("messages", "count") / SECONDS, percentiles: deliveries }
}

/// The lab's generator on a wiring at `url`: constant arrivals, measured from `since`.
fn by_the_lab(desk: &Desk, url: &str, system: &str, links: &str, since: &str) -> Seen {
    let (rate, length) = (RATE.to_string(), format!("{SECONDS}s"));
    let mut arguments = vec!["load", "--json", "--system", system, "--url", url];
    arguments.extend(["--rate", &rate, "--for", &length, "--arrivals", "constant"]);
    arguments.extend(["--links", links, "--seed", "62", "--connections", CONNECTIONS]);
    let ended = desk.lab(&arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let figures: Value = serde_json::from_str(&ended.out).unwrap();
    for unhappy in ["failed", "refused"] {
        assert_eq!(figures[unhappy], serde_json::json!({}), "{figures}");
    }
    assert_eq!(figures["unsent"], 0, "{figures}");
    let times = ["p50", "p90", "p99"].map(|name| number(&figures, &format!("/{since}/{name}")));
    Seen { rate: number(&figures, "/succeeded") / SECONDS, percentiles: times.map(|us| us / 1_000.0) }
}

/// Starts a wiring, has both measure it in turn, and compares what they have seen; `clock_ms` is how exactly k6 can.
fn see_the_same(wiring: &[&str], clock_ms: f64, measure: impl Fn(&PathBuf, &Desk, &str) -> [Seen; 2]) {
    let Some(k6) = k6() else { return };
    let desk = Desk::new(PROGRAM);
    let mut system = desk.start(&[&["up"], wiring].concat());
    system.says("Ctrl-C stops it");
    let out = system.out();
    let url =
        out.lines().find_map(|line| line.strip_prefix("public API")).expect("it says where it is").trim();

    let seen = measure(&k6, &desk, url);
    eprintln!("{:<8} {:>10} {:>9} {:>9} {:>9}", "", "ops/s", "p50 ms", "p90 ms", "p99 ms");
    for (name, Seen { rate, percentiles: [p50, p90, p99] }) in ["k6", "the lab"].iter().zip(&seen) {
        eprintln!("{name:<8} {rate:>10.1} {p50:>9.3} {p90:>9.3} {p99:>9.3}");
    }
    for seen in &seen {
        assert!((seen.rate / RATE - 1.0).abs() <= TOLERANCE, "{seen:?}");
        // What takes less than a tick of k6's clock may be none to it.
        assert!(seen.percentiles[0] + clock_ms > 0.0 && seen.percentiles[2] > 0.0, "{seen:?}");
    }
    let [k6, lab] = seen.map(|seen| seen.percentiles[0]);
    let is_same = k6 < lab * SAME_THING + clock_ms && lab < (k6 + clock_ms) * SAME_THING;
    assert!(is_same, "k6 says {k6} ms, and the lab {lab} ms: they do not time the same thing");

    system.signal(Signal::SIGINT);
    let ended = system.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    desk.is_tidy();
}

#[test]
fn k6_and_the_lab_see_the_same_shortener() {
    let wiring = ["shortener", "--set", "placement=monolith", "--set", "cache=local"];
    see_the_same(&wiring, 0.0, |k6, desk, url| {
        let lab = |since| by_the_lab(desk, url, "shortener", "1000", since);
        [follows_by_k6(k6, desk, url), lab("latency_from_send_us")]
    });
}

#[test]
fn k6_and_the_lab_see_the_same_chat() {
    see_the_same(&["chat"], CLOCK_MS, |k6, desk, url| {
        let lab = |since| by_the_lab(desk, url, "chat", "4", since);
        [messages_by_k6(k6, desk, url), lab("latency_from_due_us")]
    });
}
