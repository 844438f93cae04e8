//! Faults of an episode whose victim is a process of the test, or a fake.

use std::{
    process::{Child, Command},
    sync::{Condvar, Mutex},
};

use procfs::process::Process;
use runtimes::{
    arm::Victim,
    measure::TrackedProcess,
    process::{Freeze, Processes},
};

use super::*;

/// The time limit for what has to happen.
const SOON: Duration = Duration::from_secs(10);

/// Starts an episode with these faults.
fn begun(planned: Vec<Planned>, interrupt: &Interrupt) -> Faults {
    let faults = Faults::of(planned, &[], interrupt).unwrap();
    faults.episode.begin(Instant::now());
    faults
}

/// Waits until all that is planned is over, and returns what happened.
fn to_the_end(planned: Vec<Planned>) -> Result<Vec<Happened>> {
    let indices: Vec<usize> = planned.iter().map(|one| one.fault).collect();
    let faults = begun(planned, &Interrupt::never());
    assert!(faults.episode.faults_ended(&indices));
    faults.undo()
}

/// A fault between these times, in milliseconds.
fn planned(victim: impl Victim + 'static, from: u64, until: u64) -> Planned {
    let ms = Duration::from_millis;
    let (what, after, victim) = ("freeze", Vec::new(), Box::new(victim));
    Planned { fault: 0, what, at: ms(from), until: ms(until), after, victim }
}

/// A process to freeze. Dropping it kills it.
struct Sleeper(Child);

impl Sleeper {
    fn new() -> Self {
        Self(Command::new("sleep").arg("60").spawn().unwrap())
    }

    fn is_frozen(&self) -> bool {
        Process::new(self.0.id().cast_signed()).unwrap().stat().unwrap().state == 'T'
    }

    /// A freeze between these times, in milliseconds.
    fn planned(&self, from: u64, until: u64) -> Vec<Planned> {
        let processes = Processes::Alone(TrackedProcess::new(self.0.id()));
        vec![planned(Freeze(vec![processes]), from, until)]
    }

    fn becomes_frozen(&self) {
        let deadline = Instant::now() + SOON;
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
    let happened = to_the_end(sleeper.planned(30, 90)).unwrap();
    let [once] = happened.as_slice() else { panic!("{happened:?}") };
    assert!(once.began >= Duration::from_millis(30) && once.ended >= Duration::from_millis(90), "{once:?}");
    assert!(!sleeper.is_frozen());
}

#[test]
fn what_is_in_force_is_undone_when_the_episode_ends_before_it() {
    let sleeper = Sleeper::new();
    let faults = begun(sleeper.planned(0, 60_000), &Interrupt::never());
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
            let _faults = begun(sleeper.planned(0, 60_000), &Interrupt::never());
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
    let faults = begun(sleeper.planned(0, 60_000), &interrupt);
    sleeper.becomes_frozen();
    interrupt.ask();
    let deadline = Instant::now() + SOON;
    while sleeper.is_frozen() {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(1));
    }
    drop(faults);
}

#[test]
fn an_episode_that_never_starts_has_no_fault() {
    let sleeper = Sleeper::new();
    let faults = Faults::of(sleeper.planned(0, 1), &[], &Interrupt::never()).unwrap();
    assert_eq!(faults.undo().unwrap(), []);
    assert!(!sleeper.is_frozen());
}

/// What each of several faults does, in the order in which it does it; what takes long ends when the others have begun it.
#[derive(Default)]
struct Meeting {
    done: Mutex<Vec<&'static str>>,
    changed: Condvar,
}

impl Meeting {
    fn note(&self, what: &'static str) {
        self.done.lock().unwrap().push(what);
        self.changed.notify_all();
    }

    /// Takes until this many do the same, and fails where they never do.
    fn all_at_once(&self, what: &'static str, all: usize) -> Result<Instant> {
        self.note(what);
        let are_fewer = |done: &mut Vec<&'static str>| done.iter().filter(|one| **one == what).count() < all;
        let waited = self.changed.wait_timeout_while(self.done.lock().unwrap(), SOON, are_fewer).unwrap();
        anyhow::ensure!(!waited.1.timed_out(), "some wait for the {what} of others");
        Ok(Instant::now())
    }
}

/// Of several faults, each of which begins and ends when all do.
struct Together(Arc<Meeting>, usize);

impl Victim for Together {
    fn begin(&self) -> Result<Instant> {
        self.0.all_at_once("beginning", self.1)
    }

    fn complete(&self) -> Result<()> {
        self.0.all_at_once("completion", self.1).map(drop)
    }

    fn end(&self) -> Result<Instant> {
        self.0.all_at_once("end", self.1)
    }
}

#[test]
fn what_is_due_at_one_time_begins_and_ends_together_however_long_each_takes() {
    let meeting = Arc::new(Meeting::default());
    let one = |fault| Planned { fault, ..planned(Together(Arc::clone(&meeting), 5), 10, 20) };
    let happened = to_the_end((0..5).map(one).collect()).unwrap();
    assert_eq!(happened.iter().map(|one| one.fault).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

/// Notes its beginning and its end, which takes long.
struct Slow(Arc<Meeting>, [&'static str; 2]);

impl Victim for Slow {
    fn begin(&self) -> Result<Instant> {
        self.0.note(self.1[0]);
        Ok(Instant::now())
    }

    fn end(&self) -> Result<Instant> {
        thread::sleep(Duration::from_millis(100));
        self.0.note(self.1[1]);
        Ok(Instant::now())
    }
}

#[test]
fn a_fault_waits_for_the_end_of_the_one_before_it_on_the_same_thing() {
    let meeting = Arc::new(Meeting::default());
    let first = planned(Slow(Arc::clone(&meeting), ["first begins", "first ends"]), 0, 10);
    let next = Slow(Arc::clone(&meeting), ["next begins", "next ends"]);
    let next = Planned { fault: 1, after: vec![0], ..planned(next, 10, 20) };
    to_the_end(vec![first, next]).unwrap();
    assert_eq!(*meeting.done.lock().unwrap(), ["first begins", "first ends", "next begins", "next ends"]);
}

/// Cannot be made, and is undone all the same.
struct Broken(Arc<Meeting>);

impl Victim for Broken {
    fn begin(&self) -> Result<Instant> {
        anyhow::bail!("as a test wants it")
    }

    fn end(&self) -> Result<Instant> {
        self.0.note("undone");
        Ok(Instant::now())
    }
}

#[test]
fn a_fault_that_fails_is_undone_and_keeps_no_other_from_its_time() {
    let meeting = Arc::new(Meeting::default());
    let next = Slow(Arc::clone(&meeting), ["next begins", "next ends"]);
    let next = Planned { fault: 1, after: vec![0], ..planned(next, 10, 20) };
    let failed = to_the_end(vec![planned(Broken(Arc::clone(&meeting)), 0, 10), next]).unwrap_err();
    assert_eq!(failed.to_string(), "a fault could not be made: `freeze`");
    assert_eq!(*meeting.done.lock().unwrap(), ["undone", "next begins", "next ends"]);
}
