//! `lab compare` as a user runs it: two runs by name, in three forms, and runs that cannot be compared.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::fs;

use serde_json::Value;
use system_tests::{command::Desk, tree::root};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// A recorded report from the lab's tests, changed and stored as a run.
fn run(desk: &Desk, name: &str, fixture: &str, change: impl FnOnce(&mut Value)) {
    let path = root().join(format!("lab/report/src/fixtures/{fixture}.json"));
    let mut report: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    report["id"] = name.into();
    change(&mut report);
    desk.write(&format!("runs/{name}/report.json"), &report.to_string());
}

#[test]
fn two_runs_of_one_question_are_held_against_each_other() {
    let desk = Desk::new(PROGRAM);
    run(&desk, "2026-01-31-here", "placement", |_| {});
    run(&desk, "2026-02-07-there", "placement", |report| {
        report["machine"]["cpu"] = "Ampere Altra".into();
        for (end, value) in [("estimate", 1.79), ("low", 1.67), ("high", 1.92)] {
            report["comparisons"][0]["interval"][end] = value.into();
        }
    });
    // By prefix, and by `latest`.
    let ended = desk.lab(&["compare", "2026-01", "latest"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.out.contains("The runs differ in machine:"), "{ended:?}");
    assert!(ended.out.contains("DISAGREE") && ended.out.contains("2.41x [2.36, 2.46]"), "{ended:?}");
    let ended = desk.lab(&["compare", "2026-01", "2026-02", "--markdown"]);
    assert!(ended.out.starts_with("# ") && ended.out.contains("| machine | "), "{ended:?}");
    let ended = desk.lab(&["compare", "2026-01", "runs/2026-02-07-there", "--json"]);
    let compared: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(compared["schema"], "system-design-lab/compare/1");
    assert_eq!(compared["differences"][0]["agreement"]["is"], "disagree");
}

#[test]
fn what_cannot_be_held_against_each_other_is_refused_with_a_way_on() {
    let desk = Desk::new(PROGRAM);
    run(&desk, "2026-01-31-split", "placement", |_| {});
    run(&desk, "2026-01-31-walk", "walk", |_| {});
    run(&desk, "2026-03-01-old", "placement", |report| {
        report["schema"] = "system-design-lab/report/0".into();
    });
    desk.write("runs/2026-04-01-broken-off/notes", "");
    for (other, what) in [
        ("2026-01-31-walk", "different questions"),
        ("2026-01-31-split", "is both runs"),
        ("2026-01", "2 runs"),
        ("2026-03", "has the schema"),
        ("2026-04", "is incomplete"),
        ("2027", "there is no run `2027`"),
    ] {
        let ended = desk.lab(&["compare", "2026-01-31-split", other]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.err.contains(what) && ended.err.contains("hint:"), "{other}: {ended:?}");
    }
}
