//! Injects a scenario's faults at their times, and undoes them in every case.
//!
//! A separate thread does this, on the arms' processors, because the generator's thread must not be delayed.
//! A fault in force is a value whose drop undoes it: at the end of the episode, on an error, on Ctrl-C, and
//! on a panic. If the lab itself is killed, the lease of a broken link ends it, and the server's keeper resumes the server
//! before it ends it.
//!
//! Read in this order: this file (an episode's faults and their thread), `timeline` (each step at its time).

mod timeline;

use std::{
    sync::mpsc::{self, SyncSender},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use load::{
    record::SliceRecord,
    sender::{Observer, Slice},
};
use nix::{sched, unistd::Pid};
use runtimes::{arm::RunningArm, interrupt::Interrupt};
use scenario::{Fault, diagnostic::Diagnostic};

pub(super) use self::timeline::Happened;
use self::timeline::{Beginning, Step, follow};

/// The time limit for an arm to be ready again after its faults: a PostgreSQL that was killed recovers, a Kafka node
/// starts.
const RECOVERED_WITHIN: Duration = Duration::from_mins(1);

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

fn pin(cpus: &[usize]) -> Result<()> {
    let mut set = sched::CpuSet::new();
    for cpu in cpus {
        set.set(*cpu)?;
    }
    sched::sched_setaffinity(Pid::from_raw(0), &set)
        .context("cannot pin the thread that makes faults to the processors of the arms")
}

#[cfg(test)]
mod tests;
