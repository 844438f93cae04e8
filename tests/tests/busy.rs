//! Runs on a busy machine, through the real binary: their messages, and that they end early.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    fs,
    process::{Child, Command},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use report::{Report, model::ClaimVerdict};
use system_tests::command::{Desk, Ended, Running, SCENARIO, SHORT};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// A desk with the short scenario on it.
fn desk() -> Desk {
    let desk = Desk::new(PROGRAM);
    desk.write(SCENARIO, SHORT);
    desk
}

/// Takes the lab's processor away for 20 ms of every 40, until the lab has ended.
fn held_up(running: Running<'_>) -> Ended {
    let id = running.id();
    thread::scope(|scope| {
        let ended = scope.spawn(|| running.end());
        let mut signals = [Signal::SIGSTOP, Signal::SIGCONT].into_iter().cycle();
        while !ended.is_finished() {
            let _ = kill(Pid::from_raw(id.cast_signed()), signals.next().unwrap());
            thread::sleep(Duration::from_millis(20));
        }
        ended.join().unwrap()
    })
}

#[test]
fn a_run_whose_generator_is_late_stops_after_its_first_launch_and_says_what_it_counted() {
    let desk = desk();
    let mut run = desk.start(&["run", SCENARIO, "--quick"]);
    run.says("warming up");
    let ended = held_up(run);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    desk.is_tidy();
    for word in ["no verdict", "hint: ", "--wait-quiet"] {
        assert!(ended.err.contains(word), "no `{word}` in {}", ended.err);
    }
    let [name] = &desk.names("runs")[..] else { panic!("one run is kept: {:?}", desk.names("runs")) };
    let text = fs::read_to_string(desk.path(&format!("runs/{name}/report.json"))).unwrap();
    let report: Report = serde_json::from_str(&text).unwrap();
    assert!(!report.validity.verdict_possible);
    let note = report.validity.notes.iter().find(|note| note.starts_with("stopped after launch 1 of 2"));
    assert!(note.is_some(), "{:?}", report.validity.notes);
    // Claims about timing are undecided; claims about counts are not.
    for claim in &report.claims {
        assert_eq!(claim.verdict, ClaimVerdict::Holds, "{}: {}", claim.text, claim.because);
    }
}

/// A process that keeps a processor busy until it is dropped.
struct Busy(Child);

impl Busy {
    fn start() -> Self {
        Self(Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_quiet_machine_is_waited_for_no_longer_than_was_allowed_and_nothing_is_started() {
    let desk = desk();
    let _busy: Vec<Busy> = (0..2).map(|_| Busy::start()).collect();
    let ended = desk.lab(&["run", SCENARIO, "--quick", "--wait-quiet=1s"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(3), ""), "{ended:?}");
    for word in ["waiting for a quiet machine", "within 1 s", "load average", "% of a processor", "hint: "] {
        assert!(ended.err.contains(word), "no `{word}` in {}", ended.err);
    }
    assert!(!ended.err.contains("starting"), "{}", ended.err);
    assert_eq!(desk.names("runs"), [""; 0], "no run is kept");
    desk.is_tidy();
}
