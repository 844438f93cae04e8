//! Injects a scenario's faults at their times, and undoes them in every case.
//!
//! A separate thread does this, on the arms' processors, because the generator's thread must not be delayed.
//! A fault in force is a value whose drop undoes it: at the end of the episode, on an error, on Ctrl-C, and
//! on a panic. If the lab itself is killed, the lease of a broken link ends it, and the server's keeper resumes the server
//! before it ends it.

use std::{
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use load::{
    record::SliceRecord,
    sender::{Observer, Slice},
};
use nix::{sched, unistd::Pid};
use runtimes::{
    arm::{RunningArm, Victim},
    interrupt::Interrupt,
};
use scenario::{Fault, diagnostic::Diagnostic};

/// The interval at which the thread checks for an interrupt while a fault is in force.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The time limit for an arm to be ready again after its faults: a PostgreSQL that was killed recovers, a Kafka node
/// starts.
const RECOVERED_WITHIN: Duration = Duration::from_mins(1);

/// An injected fault; times count from the start of the measured slice.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Happened {
    /// The index of the scenario's fault.
    pub(super) fault: usize,
    /// When it was in force.
    pub(super) began: Duration,
    /// When it was undone.
    pub(super) ended: Duration,
}

/// The faults of one episode. Dropping it undoes the faults in force.
pub(super) struct Faults {
    /// Sends the start of the measured slice; closing it ends the episode.
    start: Option<SyncSender<Instant>>,
    thread: Option<JoinHandle<Result<Vec<Happened>>>>,
}

impl Faults {
    /// Looks up the arm's victims in advance, so that a due fault is injected without delay.
    ///
    /// Fails if a backing is not the arm's own, because others may use it.
    pub(super) fn ready(
        faults: &[Fault],
        arm: &RunningArm,
        cpus: &[usize],
        interrupt: &Interrupt,
    ) -> Result<Self> {
        if faults.is_empty() {
            return Ok(Self { start: None, thread: None });
        }
        let mut steps = Vec::new();
        for (index, fault) in faults.iter().enumerate() {
            let begins = Beginning { what: fault.what.name(), victim: arm.victim(fault)? };
            steps.push(Step { at: fault.at, fault: index, begins: Some(begins) });
            steps.push(Step { at: fault.until(), fault: index, begins: None });
        }
        // At the same time, ends come before beginnings.
        steps.sort_by_key(|step| (step.at, step.begins.is_some()));
        let (start, started) = mpsc::sync_channel(1);
        let (cpus, interrupt) = (cpus.to_vec(), interrupt.clone());
        let thread = thread::Builder::new()
            .name("faults".to_owned())
            .spawn(move || {
                pin(&cpus)?;
                follow(steps, &started, &interrupt)
            })
            .context("cannot start a thread")?;
        Ok(Self { start: Some(start), thread: Some(thread) })
    }

    /// Wraps an observer, which then also signals the start of the slice.
    pub(super) fn watching<O: Observer>(&self, observer: O) -> Watching<'_, O> {
        Watching { faults: self, observer }
    }

    /// Undoes the faults in force, waits until the arm has recovered from all, and returns what happened; an error if
    /// something could not be injected or undone.
    pub(super) fn end(self, arm: &mut RunningArm, interrupt: &Interrupt) -> Result<Vec<Happened>> {
        let happened = self.undo()?;
        interrupt.check()?;
        // What was killed last may still be starting, and what comes next needs all of it.
        if !happened.is_empty() {
            arm.becomes_ready(interrupt, RECOVERED_WITHIN)?;
        }
        Ok(happened)
    }

    fn undo(mut self) -> Result<Vec<Happened>> {
        drop(self.start.take());
        let Some(thread) = self.thread.take() else { return Ok(Vec::new()) };
        thread
            .join()
            .unwrap_or_else(|_| Err(Diagnostic::new("the lab panicked while it made a fault").into()))
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        drop(self.start.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An observer that signals the start of its slice to the faults.
pub(super) struct Watching<'a, O> {
    faults: &'a Faults,
    observer: O,
}

impl<O: Observer> Observer for Watching<'_, O> {
    fn slice_started(&mut self, slice: &Slice) {
        self.observer.slice_started(slice);
        if let Some(start) = &self.faults.start {
            // The channel has room for the one slice of an episode.
            let _ = start.try_send(Instant::now());
        }
    }

    fn progress(&mut self, slice: &Slice, so_far: &SliceRecord) {
        self.observer.progress(slice, so_far);
    }

    fn slice_ended(&mut self, slice: &Slice, record: &SliceRecord) {
        self.observer.slice_ended(slice, record);
    }

    fn keep_going(&self) -> bool {
        self.observer.keep_going()
    }
}

/// A step at a time: the beginning of a fault, or its end.
struct Step {
    at: Duration,
    fault: usize,
    begins: Option<Beginning>,
}

/// The beginning of a fault on this victim.
struct Beginning {
    /// The name of its kind.
    what: &'static str,
    victim: Box<dyn Victim>,
}

/// A fault in force. Dropping it undoes it.
struct InForce {
    fault: usize,
    began: Duration,
    what: &'static str,
    victim: Box<dyn Victim>,
    is_undone: bool,
}

impl InForce {
    fn begin(fault: usize, Beginning { what, victim }: Beginning, start: Instant) -> Result<Self> {
        // Created before the injection, so that a partial one is undone as well.
        let mut force = Self { fault, began: Duration::ZERO, what, victim, is_undone: false };
        force.victim.begin().with_context(|| format!("a fault could not be made: `{what}`"))?;
        force.began = start.elapsed();
        Ok(force)
    }

    fn end(mut self, start: Instant) -> Result<Happened> {
        self.undo()?;
        Ok(Happened { fault: self.fault, began: self.began, ended: start.elapsed() })
    }

    fn undo(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.is_undone, true) {
            return Ok(());
        }
        self.victim.end().with_context(|| format!("a fault could not be undone: `{}`", self.what))
    }
}

impl Drop for InForce {
    fn drop(&mut self) {
        // The arm is stopped next, and reports what it could not end.
        let _ = self.undo();
    }
}

/// Performs the due steps from the start of the slice to its end, and undoes the rest.
fn follow(steps: Vec<Step>, started: &Receiver<Instant>, interrupt: &Interrupt) -> Result<Vec<Happened>> {
    let Ok(start) = started.recv() else { return Ok(Vec::new()) };
    let mut in_force: Vec<InForce> = Vec::new();
    let mut happened = Vec::new();
    for step in steps {
        if !wait(start + step.at, started, interrupt, !in_force.is_empty()) {
            break;
        }
        if let Some(begins) = step.begins {
            in_force.push(InForce::begin(step.fault, begins, start)?);
        } else if let Some(place) = in_force.iter().position(|force| force.fault == step.fault) {
            happened.push(in_force.swap_remove(place).end(start)?);
        }
    }
    for force in in_force {
        happened.push(force.end(start)?);
    }
    Ok(happened)
}

/// Waits until a time; `false` if the episode ends or Ctrl-C comes first.
fn wait(until: Instant, started: &Receiver<Instant>, interrupt: &Interrupt, in_force: bool) -> bool {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        // Without a fault in force the thread sleeps until its next step, and costs the arms nothing.
        let most = if in_force { left.min(LOOK_EVERY) } else { left };
        if started.recv_timeout(most) == Err(RecvTimeoutError::Disconnected) || interrupt.is_asked() {
            return false;
        }
    }
}

fn pin(cpus: &[usize]) -> Result<()> {
    let mut set = sched::CpuSet::new();
    for cpu in cpus {
        set.set(*cpu)?;
    }
    sched::sched_setaffinity(Pid::from_raw(0), &set)
        .context("cannot pin the thread that makes faults to the processors of the arms")
}

#[cfg(test)]
mod tests {
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
        assert!(
            once.began >= Duration::from_millis(30) && once.ended >= Duration::from_millis(90),
            "{once:?}"
        );
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
}
