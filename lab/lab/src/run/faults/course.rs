//! The course of one fault, each step at its time, on a thread of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use runtimes::{arm::Victim, interrupt::Interrupt};

use super::episode::Episode;

/// The interval at which the thread checks for an interrupt while its fault is in force, and for the return of what was
/// killed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long before a fault its victim is looked up: that takes some milliseconds, on a busy machine more.
const NEAR: Duration = Duration::from_millis(200);

/// The time before a step in which the thread spins instead of sleeping: it is then awake when the step is due.
/// Shorter than what a scheduler lets a thread run at once, or the thread would have to wait when it matters.
const AWAKE: Duration = Duration::from_millis(1);

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

/// A fault that is to be injected; times count from the start of the measured slice.
pub(super) struct Planned {
    /// The index of the scenario's fault.
    pub(super) fault: usize,
    /// The name of its kind.
    pub(super) what: &'static str,
    pub(super) at: Duration,
    pub(super) until: Duration,
    /// The faults that have to be over before it begins.
    pub(super) after: Vec<usize>,
    pub(super) victim: Box<dyn Victim>,
}

/// What a fault's thread knows of its surroundings.
pub(super) struct Course {
    pub(super) episode: Arc<Episode>,
    pub(super) interrupt: Interrupt,
}

impl Course {
    /// Makes a fault at its time, undoes it at its time or at the end of the episode, and waits for what has to start.
    /// `None` if the episode ends before it.
    pub(super) fn run(&self, planned: Planned) -> Result<Option<Happened>> {
        let Planned { fault, what, at, until, after, victim } = planned;
        let _over_in_every_case = Over { episode: &self.episode, fault };
        let Some(start) = self.episode.start() else { return Ok(None) };
        if !self.sleeps_until(start + at.saturating_sub(NEAR), Duration::MAX) {
            return Ok(None);
        }
        victim.look_up();
        if !self.sleeps_until(start + at, Duration::MAX) || !self.episode.faults_ended(&after) {
            return Ok(None);
        }
        let (mut force, began) = InForce::begin(what, victim)?;
        // It is undone at its time, or when the episode ends, or on Ctrl-C.
        self.sleeps_until(start + until, LOOK_EVERY);
        let ended = force.end()?;
        self.episode.fault_ended(fault);
        let back = force.victim.has_to_start().then(|| self.returns(force.victim.as_ref())).flatten();
        let after_start = |moment: Instant| moment.saturating_duration_since(start);
        let (began, ended) = (after_start(began), after_start(ended));
        Ok(Some(Happened { fault, began, ended, back: back.map(after_start) }))
    }

    /// Waits until a time, and looks at least this often for an interrupt; `false` if that, or the end of the episode,
    /// comes first.
    fn sleeps_until(&self, until: Instant, look_every: Duration) -> bool {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            let asleep = left.saturating_sub(AWAKE).min(look_every);
            if asleep.is_zero() {
                std::hint::spin_loop();
            } else if self.episode.ends_within(asleep) || self.interrupt.is_asked() {
                return false;
            }
        }
    }

    /// When what was killed serves again; `None` if the episode ends first.
    fn returns(&self, victim: &dyn Victim) -> Option<Instant> {
        while !self.episode.ends_within(LOOK_EVERY) && !self.interrupt.is_asked() {
            if victim.is_back() {
                return Some(Instant::now());
            }
        }
        None
    }
}

/// Notes that a fault is over when it is dropped, or others would wait for one that failed.
struct Over<'a> {
    episode: &'a Episode,
    fault: usize,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.episode.fault_ended(self.fault);
    }
}

/// A fault in force. Dropping it undoes it.
struct InForce {
    what: &'static str,
    victim: Box<dyn Victim>,
    is_undone: bool,
}

impl InForce {
    /// Makes the fault; returns when it is complete, with the moment since which it is in force.
    fn begin(what: &'static str, victim: Box<dyn Victim>) -> Result<(Self, Instant)> {
        // Created before the injection, so that a partial one is undone as well.
        let force = Self { what, victim, is_undone: false };
        let made = force.victim.begin().and_then(|began| force.victim.complete().map(|()| began));
        let began = made.with_context(|| format!("a fault could not be made: `{what}`"))?;
        Ok((force, began))
    }

    /// Undoes it; returns the moment at which it was undone.
    fn end(&mut self) -> Result<Instant> {
        self.is_undone = true;
        self.victim.end().with_context(|| format!("a fault could not be undone: `{}`", self.what))
    }
}

impl Drop for InForce {
    fn drop(&mut self) {
        if !self.is_undone {
            // The arm is stopped next, and reports what it could not end.
            let _ = self.end();
        }
    }
}
