//! The steps of an episode's faults, each at its time.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use runtimes::{arm::Victim, interrupt::Interrupt};

/// The interval at which the thread checks for an interrupt while a fault is in force, and for the return of what was
/// killed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A step that is nearer than this is waited for, and nothing else is done: a look may take a while.
const NEAR: Duration = Duration::from_millis(200);

/// The time before a step in which the thread spins instead of sleeping: on a busy processor a thread that wakes up may
/// have to wait for some milliseconds until it runs.
const AWAKE: Duration = Duration::from_millis(3);

/// An injected fault; times count from the start of the measured slice.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::run) struct Happened {
    /// The index of the scenario's fault.
    pub(in crate::run) fault: usize,
    /// When it was in force.
    pub(in crate::run) began: Duration,
    /// When it was undone.
    pub(in crate::run) ended: Duration,
    /// When what it was done to served again, if it had to start and did so within the episode.
    pub(in crate::run) back: Option<Duration>,
}

/// A step at a time: the beginning of a fault, or its end.
pub(super) struct Step {
    pub(super) at: Duration,
    pub(super) fault: usize,
    pub(super) begins: Option<Beginning>,
}

/// The beginning of a fault on this victim.
pub(super) struct Beginning {
    /// The name of its kind.
    pub(super) what: &'static str,
    pub(super) victim: Box<dyn Victim>,
}

/// Performs the due steps from the start of the slice to its end, and undoes the rest.
pub(super) fn follow(
    steps: Vec<Step>,
    started: &Receiver<Instant>,
    interrupt: &Interrupt,
) -> Result<Vec<Happened>> {
    let Ok(start) = started.recv() else { return Ok(Vec::new()) };
    let mut timeline = Timeline { start, started, interrupt, in_force: Vec::new(), undone: Vec::new() };
    let mut steps = steps.into_iter().peekable();
    while let Some(first) = steps.next() {
        let at = first.at;
        let mut due = vec![first];
        due.extend(std::iter::from_fn(|| steps.next_if(|step| step.at == at)));
        if !timeline.wait(Some(start + at.saturating_sub(NEAR))) {
            break;
        }
        due.iter().for_each(Step::look_up);
        if !timeline.wait(Some(start + at)) {
            break;
        }
        // What is due at the same time begins before any of it takes its time.
        due.into_iter().try_for_each(|step| timeline.take(step))?;
        timeline.complete()?;
    }
    timeline.end()
}

impl Step {
    fn look_up(&self) {
        if let Some(Beginning { victim, .. }) = &self.begins {
            victim.look_up();
        }
    }
}

/// The faults of an episode that has started.
struct Timeline<'a> {
    start: Instant,
    /// Disconnected when the episode ends.
    started: &'a Receiver<Instant>,
    interrupt: &'a Interrupt,
    in_force: Vec<InForce>,
    undone: Vec<Undone>,
}

/// A fault in force. Dropping it undoes it.
struct InForce {
    fault: usize,
    began: Duration,
    what: &'static str,
    /// Whether nothing more has to be done than to undo it.
    is_complete: bool,
    /// Absent when it was undone.
    victim: Option<Box<dyn Victim>>,
}

/// A fault that was undone.
struct Undone {
    happened: Happened,
    /// What has to start first.
    starting: Option<Box<dyn Victim>>,
}

impl Timeline<'_> {
    fn take(&mut self, step: Step) -> Result<()> {
        if let Some(begins) = step.begins {
            self.in_force.push(InForce::begin(step.fault, begins, self.start)?);
        } else if let Some(place) = self.in_force.iter().position(|force| force.fault == step.fault) {
            self.undone.push(self.in_force.swap_remove(place).end(self.start)?);
        }
        Ok(())
    }

    /// Completes what has begun.
    fn complete(&mut self) -> Result<()> {
        self.in_force.iter_mut().try_for_each(InForce::complete)
    }

    /// Waits for what is starting, to the end of the episode; then undoes the rest.
    fn end(mut self) -> Result<Vec<Happened>> {
        while self.is_starting() && self.wait(None) {}
        for force in std::mem::take(&mut self.in_force) {
            self.undone.push(force.end(self.start)?);
        }
        Ok(self.undone.into_iter().map(|undone| undone.happened).collect())
    }

    fn is_starting(&self) -> bool {
        self.undone.iter().any(|undone| undone.starting.is_some())
    }

    /// Waits until a time, or once; `false` if the episode ends or Ctrl-C comes first.
    fn wait(&mut self, until: Option<Instant>) -> bool {
        loop {
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return true;
            }
            if left > NEAR {
                self.look();
            }
            // Without anything to look at, the thread sleeps until its next step, and costs the arms nothing.
            let looks = !self.in_force.is_empty() || self.is_starting();
            let most = if looks { left.min(LOOK_EVERY) } else { left };
            let asleep = left.saturating_sub(AWAKE);
            if asleep.is_zero() {
                std::hint::spin_loop();
                continue;
            }
            let most = most.min(asleep);
            let ended = self.started.recv_timeout(most) == Err(RecvTimeoutError::Disconnected);
            if ended || self.interrupt.is_asked() {
                return false;
            }
            if until.is_none() {
                return true;
            }
        }
    }

    /// Notes what serves again.
    fn look(&mut self) {
        for undone in &mut self.undone {
            if undone.starting.take_if(|victim| victim.is_back()).is_some() {
                undone.happened.back = Some(self.start.elapsed());
            }
        }
    }
}

impl InForce {
    fn begin(fault: usize, Beginning { what, victim }: Beginning, start: Instant) -> Result<Self> {
        // Created before the injection, so that a partial one is undone as well.
        let mut force = Self { fault, began: Duration::ZERO, what, is_complete: false, victim: Some(victim) };
        let begun: Result<Vec<Instant>> = force.victim.iter().map(|victim| victim.begin()).collect();
        let begun = begun.with_context(|| format!("a fault could not be made: `{what}`"))?;
        force.began = begun.into_iter().max().map_or(Duration::ZERO, |begun| begun - start);
        Ok(force)
    }

    fn complete(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.is_complete, true) {
            return Ok(());
        }
        let made = self.victim.iter().try_for_each(|victim| victim.complete());
        made.with_context(|| format!("a fault could not be made: `{}`", self.what))
    }

    fn end(mut self, start: Instant) -> Result<Undone> {
        let starting = self.undo()?.filter(|victim| victim.has_to_start());
        let happened = Happened { fault: self.fault, began: self.began, ended: start.elapsed(), back: None };
        Ok(Undone { happened, starting })
    }

    fn undo(&mut self) -> Result<Option<Box<dyn Victim>>> {
        let victim = self.victim.take();
        let undone = victim.iter().try_for_each(|victim| victim.end());
        undone.with_context(|| format!("a fault could not be undone: `{}`", self.what))?;
        Ok(victim)
    }
}

impl Drop for InForce {
    fn drop(&mut self) {
        // The arm is stopped next, and reports what it could not end.
        let _ = self.undo();
    }
}
