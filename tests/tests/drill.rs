//! `lab drill` as a user runs it: a small matrix, its verdicts, and what it leaves behind.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::fs;

use nix::sys::signal::Signal;
use serde_json::Value;
use system_tests::command::{Desk, Ended};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// Wirings that need nothing installed: one process, and clicks stored at once, in memory, or through a broker.
const IN_ONE_PROCESS: [&str; 6] =
    ["--set", "placement=monolith", "--set", "database=sqlite", "--set", "cache=none"];

fn drill<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["drill", "shortener"], words, &IN_ONE_PROCESS].concat()
}

fn result(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// Every cell: its wiring and its verdict.
fn verdicts(result: &Value) -> Vec<(&str, &str)> {
    let cells = result["cells"].as_array().unwrap();
    cells.iter().map(|cell| (cell["wiring"].as_str().unwrap(), cell["verdict"].as_str().unwrap())).collect()
}

#[test]
fn a_durable_wiring_keeps_what_it_acknowledged_and_the_negative_control_is_caught() {
    let desk = Desk::new(PROGRAM);
    let ended =
        desk.lab(&drill(&["--quick", "--fault", "component-killed", "--operations", "1500", "--json"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    desk.is_tidy();
    let result = result(&ended);
    let [(durable, kept), (control, caught)] = verdicts(&result)[..] else { panic!("{ended:?}") };
    assert_eq!((durable, kept, caught), ("monolith, sqlite", "kept", "caught"), "{ended:?}");
    assert!(control.starts_with("microservices, memory events"), "{control}");
    for cell in result["cells"].as_array().unwrap() {
        let figures = &cell["figures"];
        assert!(figures["acknowledged"].as_u64().unwrap() >= 1_500, "{cell}");
        assert!(figures["failed"].as_u64().unwrap() > 0, "nobody noticed that it was down: {cell}");
        assert!(figures["back_ms"].as_f64().unwrap() > 0.0, "{cell}");
        assert_eq!(figures["lost"].as_u64().unwrap() > 0, cell["verdict"] == "caught", "{cell}");
        // Each cell is a run, which can be drawn again.
        let folder = cell["folder"].as_str().unwrap();
        let [drill] = &desk.names("runs")[..] else { panic!("{:?}", desk.names("runs")) };
        let again = desk.lab(&["report", &format!("runs/{drill}/cells/{folder}")]);
        assert_eq!(again.code, Some(0), "{again:?}");
        let report = again.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(report.contains("counts per operation are left out"), "{report}");
        assert!(report.contains("lab drill shortener --quick --fault component-killed"), "{report}");
        let kept = fs::read_to_string(desk.path(&format!("runs/{drill}/drill.json"))).unwrap();
        assert_eq!(kept, ended.out);
        let no_run = desk.lab(&["report", drill]);
        assert!(no_run.code == Some(2) && no_run.err.contains("is a drill"), "{no_run:?}");
    }
}

#[test]
fn what_this_machine_lacks_is_said_and_skipped() {
    let desk = Desk::new(PROGRAM);
    let ended = desk.lab(&drill(&["--fault", "broker-restarted", "--embedded-kafka"]));
    assert_eq!(ended.code, Some(1), "nothing was run: {ended:?}");
    assert!(
        ended.out.contains("skipped: there is no Kafka here") && ended.out.contains("hint:"),
        "{ended:?}"
    );
    desk.is_tidy();
}

#[test]
fn an_interrupt_keeps_the_drills_that_have_ended() {
    let desk = Desk::new(PROGRAM);
    let mut running = desk.start(&drill(&["--quick", "--fault", "component-killed"]));
    running.says("drill 2 of 2");
    running.signal(Signal::SIGINT);
    let ended = running.end();
    assert!(ended.code == Some(2) && ended.err.contains("interrupted"), "{ended:?}");
    assert!(ended.out.contains("interrupted: 1 of 2 drills ended"), "{ended:?}");
    desk.is_tidy();
    let [kept] = &desk.names("runs")[..] else { panic!("{:?}", desk.names("runs")) };
    let result = fs::read_to_string(desk.path(&format!("runs/{kept}/drill.json"))).unwrap();
    assert_eq!(verdicts(&serde_json::from_str(&result).unwrap()), [("monolith, sqlite", "kept")]);
}

#[test]
fn an_interrupt_before_the_first_has_ended_leaves_nothing() {
    let desk = Desk::new(PROGRAM);
    let mut running = desk.start(&drill(&["--fault", "component-killed"]));
    running.says("drill 1 of");
    running.signal(Signal::SIGINT);
    let ended = running.end();
    assert!(ended.code == Some(2) && ended.err.contains("interrupted"), "{ended:?}");
    desk.is_tidy();
    assert_eq!(desk.names("runs"), [""; 0]);
}

#[test]
fn what_cannot_be_drilled_is_refused_before_anything_starts() {
    for (words, said) in [
        (&["shortner"][..], "did you mean `shortener`"),
        (&["shortener/placement"], "`lab drill shortener`"),
        (&["shortener", "--fault", "store-kiled"], "did you mean `store-killed`"),
        (&["shortener", "--set", "databse=sqlite"], "did you mean `database`"),
        (&["shortener", "--set", "database=oracle"], "no value `oracle`"),
        (&["limiter", "--fault", "broker-restarted"], "no wiring of `limiter`"),
        (&["shortener", "--quick", "--long"], "cannot be used with"),
        (&["shortener", "--operations", "0"], "1..=100000000"),
    ] {
        let desk = Desk::new(PROGRAM);
        let ended = desk.lab(&[&["drill"], words].concat());
        assert!(ended.code == Some(2) && ended.err.contains(said), "{words:?}: {ended:?}");
        assert_eq!(desk.names("runs"), [""; 0], "{words:?}");
    }
}
