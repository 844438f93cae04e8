//! Faults of an episode whose victim is a process of the test.

use std::process::{Child, Command};

use procfs::process::Process;
use runtimes::{
    measure::TrackedProcess,
    process::{Freeze, Processes},
};

use super::*;

/// A process to freeze. Dropping it kills it.
struct Sleeper(Child);

impl Sleeper {
    fn new() -> Self {
        Self(Command::new("sleep").arg("60").spawn().unwrap())
    }

    fn is_frozen(&self) -> bool {
        Process::new(self.0.id().cast_signed()).unwrap().stat().unwrap().state == 'T'
    }

    /// The steps of a freeze between these times, in milliseconds.
    fn steps(&self, from: u64, until: u64) -> Vec<Step> {
        let processes = Processes::Alone(TrackedProcess::new(self.0.id()));
        let begins = Beginning { what: "freeze", victim: Box::new(Freeze(vec![processes])) };
        let at = Duration::from_millis;
        vec![
            Step { at: at(from), fault: 0, begins: Some(begins) },
            Step { at: at(until), fault: 0, begins: None },
        ]
    }

    /// Starts the faults with these steps.
    fn begun(&self, from: u64, until: u64, interrupt: &Interrupt) -> Faults {
        let (start, started) = mpsc::sync_channel(1);
        let (steps, interrupt) = (self.steps(from, until), interrupt.clone());
        let thread = thread::spawn(move || follow(steps, &started, &interrupt));
        start.try_send(Instant::now()).unwrap();
        Faults { start: Some(start), thread: Some(thread) }
    }

    fn becomes_frozen(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.is_frozen() {
            assert!(Instant::now() < deadline);
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_fault_begins_and_ends_at_its_time_and_says_when() {
    let sleeper = Sleeper::new();
    let (start, started) = mpsc::sync_channel(1);
    start.try_send(Instant::now()).unwrap();
    let happened = follow(sleeper.steps(30, 90), &started, &Interrupt::never()).unwrap();
    let [once] = happened.as_slice() else { panic!("{happened:?}") };
    assert!(once.began >= Duration::from_millis(30) && once.ended >= Duration::from_millis(90), "{once:?}");
    assert!(!sleeper.is_frozen());
}

#[test]
fn what_is_in_force_is_undone_when_the_episode_ends_before_it() {
    let sleeper = Sleeper::new();
    let faults = sleeper.begun(0, 60_000, &Interrupt::never());
    sleeper.becomes_frozen();
    let happened = faults.undo().unwrap();
    assert!(!sleeper.is_frozen());
    assert!(happened[0].ended < Duration::from_secs(50), "{happened:?}");
}

#[test]
fn what_is_in_force_is_undone_on_an_error_and_on_a_panic() {
    let sleeper = Sleeper::new();
    let panicked = thread::scope(|scope| {
        let measuring = scope.spawn(|| {
            let _faults = sleeper.begun(0, 60_000, &Interrupt::never());
            sleeper.becomes_frozen();
            panic!("as a test wants it");
        });
        measuring.join().is_err()
    });
    assert!(panicked && !sleeper.is_frozen());
}

#[test]
fn what_is_in_force_is_undone_on_an_interrupt_before_anybody_ends_the_episode() {
    let sleeper = Sleeper::new();
    let interrupt = Interrupt::never();
    let faults = sleeper.begun(0, 60_000, &interrupt);
    sleeper.becomes_frozen();
    interrupt.ask();
    let deadline = Instant::now() + Duration::from_secs(10);
    while sleeper.is_frozen() {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(1));
    }
    drop(faults);
}

#[test]
fn an_episode_that_never_starts_has_no_fault() {
    let sleeper = Sleeper::new();
    let (start, started) = mpsc::sync_channel(1);
    drop(start);
    assert_eq!(follow(sleeper.steps(0, 1), &started, &Interrupt::never()).unwrap(), []);
}
