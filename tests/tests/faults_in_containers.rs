//! Faults under `--runtime compose`: the engine, the process and the lab's proxy make the same as for processes.
//!
//! Without an engine these tests are skipped with a message, and they fail if `CI` is set.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use report::{Report, model::PartKind};
use runtimes::compose::IMAGE;
use system_tests::{
    command::{Desk, Ended, Running, SCENARIO, refused},
    edge_client::EdgeClient,
    edge_suite::{eventually, shortened},
    engine::{docker, image, of_lab},
    fault_scenarios::{DRILL, ERRORS, desk_with, frozen_desk, happened_as_planned, kept, long_desk},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// The time limit for a fault to become visible.
const SOON: Duration = Duration::from_mins(1);

/// Each project is a whole system, and its start has a time limit: so there are two lines of tests, which mostly wait.
static LINES: [Mutex<()>; 2] = [Mutex::new(()), Mutex::new(())];

fn in_line(line: usize) -> MutexGuard<'static, ()> {
    LINES[line].lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the desk's scenario in containers; nothing may be left with the engine.
fn run(desk: &Desk, image: &str) -> (Report, String) {
    let words = ["run", SCENARIO, "--quick", "--to-the-end", "--runtime", "compose", "--image", image];
    let mut running = desk.start(&words);
    let id = running.id();
    // Ten projects, one after the other.
    for launch in [3, 5, 7, 9] {
        running.says(&format!("launch {launch} of"));
    }
    let ended: Ended = running.end();
    assert!(ended.ran(), "{ended:?}");
    assert_eq!(of_lab(id), [""; 0], "nothing is left with the engine");
    desk.is_tidy();
    kept(desk)
}

/// Fails unless each fault was made in five episodes of two arms, and what is killed came back; no arm may have died or
/// lost anything.
fn all_happened(report: &Report) {
    for fault in &report.load.faults {
        assert_eq!(fault.made.len(), 10, "five episodes of two arms: {fault:?}");
        let until = fault.at_ms + fault.for_ms;
        for made in &fault.made {
            assert!(
                made.began_ms >= fault.at_ms && made.ended_ms >= until,
                "never before its time: {fault:?}"
            );
            assert_eq!(made.back_ms.is_some(), fault.what == "kill", "{fault:?}");
        }
    }
    for arm in &report.arms {
        assert!(arm.died.is_none(), "a planned end is no death: {:?}", arm.died);
        let ledger = arm.ledger.as_ref().unwrap();
        assert!(ledger.holds && ledger.complete, "{}: {ledger:?}", arm.label);
    }
}

#[test]
fn a_container_is_frozen_as_a_process_is() {
    let Some(image) = image(IMAGE, &["redis:7.0-bookworm"]) else { return };
    let _turn = in_line(0);
    let (report, _) = run(&frozen_desk(PROGRAM), &image);
    happened_as_planned(&report, 5);
}

#[test]
fn containers_are_killed_together_and_start_again_with_their_addresses_and_their_data() {
    let Some(image) = image(IMAGE, &["redis:7.0-bookworm"]) else { return };
    let _turn = in_line(1);
    let faults = [
        DRILL[0],
        // At the same moment, and for longer: the one that starts first leaves the other its address.
        "at_ms = 200\nfor_ms = 900\nwhat = \"kill\"\nprocess = \"clicks\"",
        "at_ms = 2300\nfor_ms = 200\nwhat = \"freeze\"\nprocess = \"gateway\"",
        "at_ms = 2800\nfor_ms = 200\nwhat = \"kill\"\nbacking = \"redis\"",
    ];
    // Long enough for clients that find the store again late: the machine has other containers to start.
    let (report, _) = run(&desk_with(PROGRAM, 8_000, &faults), &image);
    assert_eq!(report.load.faults.len(), faults.len());
    all_happened(&report);
}

#[test]
fn links_of_containers_break_and_processes_in_them_fail_calls_in_every_arm_at_their_time() {
    let Some(image) = image(IMAGE, &["redis:7.0-bookworm"]) else { return };
    let _turn = in_line(0);
    let faults = [
        ERRORS,
        "at_ms = 1000\nfor_ms = 300\nwhat = \"partition\"\nlink = \"client -> gateway\"",
        "at_ms = 1500\nfor_ms = 300\nwhat = \"reset\"\nprocess = \"links\"",
        "at_ms = 2000\nfor_ms = 200\nwhat = \"slow\"\nlatency_ms = 20\nbacking = \"redis\"",
    ];
    let (report, drawn) = run(&desk_with(PROGRAM, 3_000, &faults), &image);
    assert_eq!(report.load.faults.len(), faults.len());
    all_happened(&report);
    let notes = &report.validity.notes;
    assert!(notes.iter().any(|note| note.contains("the proxy on links was a process")), "{notes:?}");
    for arm in &report.arms {
        let lost: u64 = arm.refused.iter().chain(&arm.failed).map(|cause| cause.count).sum();
        let share = lost as f64 / (lost as f64 + arm.operations as f64);
        // Half of the calls for a sixth of the time, and those of a reset.
        assert!(share > 0.03, "{}: {share} of what was due was lost", arm.label);
        let proxy = arm.cpu_us_per_op.parts.iter().find(|part| part.kind == PartKind::Proxy);
        assert!(proxy.is_some_and(|part| part.us > 0.0), "the proxy is measured: {:?}", arm.cpu_us_per_op);
    }
    for sentence in ["links was failing 50 % of calls to it as `unavailable`", "links was reset"] {
        assert!(drawn.contains(sentence), "{sentence}: {drawn}");
    }
}

/// A shortener in containers whose links lead through the proxy.
fn up<'a>(desk: &'a Desk, image: &str) -> (Running<'a>, EdgeClient) {
    let wiring = ["--set", "placement=microservices", "--set", "cache=none"];
    let command = ["up", "shortener", "--proxy", "--runtime", "compose", "--image", image];
    let mut up = desk.start(&[&command[..], &wiring].concat());
    up.says("up; Ctrl-C stops it");
    let out = up.out();
    let url = out.lines().find_map(|line| line.strip_prefix("public API")).unwrap();
    let address: SocketAddr = url.trim().trim_start_matches("http://").parse().unwrap();
    (up, EdgeClient::new(address))
}

fn fault(desk: &Desk, words: &[&str]) -> String {
    let ended = desk.lab(&[&["fault"][..], words].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.out + &ended.err
}

#[test]
fn containers_that_are_up_are_broken_by_hand_for_a_while() {
    let Some(image) = image(IMAGE, &[]) else { return };
    let _turn = in_line(1);
    let desk = Desk::new(PROGRAM);
    let (mut up, edge) = up(&desk, &image);
    let code = shortened(&edge, "https://example.com/broken");
    let follows = |status: u16| (edge.follow(&code).status == status).then_some(());

    fault(&desk, &["reset", "gateway -> links", "--for", "10m"]);
    eventually(SOON, "`links` is out of reach", || follows(503));
    fault(&desk, &["clear"]);
    eventually(SOON, "it is followed", || follows(302));

    fault(&desk, &["slow", "client -> gateway", "--with", "latency_ms=150", "--for", "10m"]);
    let asked = Instant::now();
    assert_eq!(edge.follow(&code).status, 302);
    assert!(asked.elapsed() >= Duration::from_millis(300), "150 ms each way: {:?}", asked.elapsed());
    fault(&desk, &["clear"]);

    fault(&desk, &["errors", "links", "--for", "10m"]);
    assert_eq!(edge.follow(&code).status, 503);
    assert!(fault(&desk, &["clear"]).contains("over: links is failing"));
    assert_eq!(edge.follow(&code).status, 302);

    // Two at once; each comes back where it was.
    fault(&desk, &["kill", "links", "--for", "2s"]);
    fault(&desk, &["kill", "clicks", "--for", "1s"]);
    eventually(SOON, "`links` is gone", || follows(503));
    up.says("over: clicks is down after a kill");
    up.says("over: links is down after a kill");
    eventually(SOON, "it is followed", || follows(302));
    assert!(!up.out().contains("ended"), "a planned end is for nobody to tell");

    fault(&desk, &["blackhole", "links", "--for", "10m"]);
    let id = up.id();
    up.signal(Signal::SIGINT);
    let ended = up.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(of_lab(id), [""; 0], "nothing is left with the engine");
    desk.is_tidy();
}

#[test]
fn a_lab_that_is_killed_leaves_no_proxy_and_the_next_removes_its_containers() {
    let Some(image) = image(IMAGE, &[]) else { return };
    let _turn = in_line(1);
    let desk = Desk::new(PROGRAM);
    let (killed, _) = up(&desk, &image);
    let is_proxy = |(_, command): &(i32, String)| command.contains(" proxy ");
    assert!(desk.processes().iter().any(is_proxy), "{:?}", desk.processes());
    fault(&desk, &["partition", "gateway -> links", "--for", "10m"]);
    fault(&desk, &["freeze", "clicks", "--for", "10m"]);
    let id = killed.id();
    killed.signal(Signal::SIGKILL);
    assert_eq!(killed.end().code, None);
    desk.becomes_quiet();
    let next = desk.lab(&["up", "shortener", "--runtime", "compose", "--image", "no-such-image:1"]);
    assert!(refused(&desk, &next).contains("`no-such-image:1`"));
    assert_eq!(of_lab(id), [""; 0], "the next lab removed them");
}

/// Whether a container of this lab is paused.
fn is_paused(id: u32) -> bool {
    let format = "{{.Names}} {{.State}}";
    let said = docker(&["ps", "--all", "--format", format]).unwrap();
    said.lines().any(|line| line.starts_with(&format!("lab-{id}-")) && line.ends_with("paused"))
}

#[test]
fn a_container_that_is_frozen_goes_when_the_lab_is_interrupted_twice() {
    let Some(image) = image(IMAGE, &["redis:7.0-bookworm"]) else { return };
    let _turn = in_line(1);
    let desk = long_desk(PROGRAM);
    let mut running = desk.start(&["run", SCENARIO, "--quick", "--runtime", "compose", "--image", &image]);
    let id = running.id();
    running.says("measuring");
    eventually(SOON, "Redis stands still", || is_paused(id).then_some(()));
    running.signal(Signal::SIGINT);
    running.says("once more");
    running.signal(Signal::SIGINT);
    running.end();
    assert_eq!(of_lab(id), [""; 0], "nothing is left with the engine");
}
