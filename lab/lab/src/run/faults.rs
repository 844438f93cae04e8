//! Injects a scenario's faults at their times, and undoes them in every case.
//!
//! Each fault has a thread, so that none waits for another that takes its time. The threads run on the arms' processors,
//! because the generator's thread must not be delayed, and before everything else there, where the lab may ask for that.
//! A fault in force is a value whose drop undoes it: at the end of the episode, on an error, on Ctrl-C, and
//! on a panic. If the lab itself is killed, the lease of a broken link ends it, and the server's keeper resumes the server
//! before it ends it.
//!
//! Read in this order: this file (an episode's faults and their threads), `episode` (what the threads share), `course`
//! (one fault from its beginning to its end).

mod course;
mod episode;

use std::{
    process::{Command, Stdio},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use load::{
    record::SliceRecord,
    sender::{Observer, Slice},
};
use nix::unistd::gettid;
use runtimes::{arm::RunningArm, interrupt::Interrupt};
use scenario::{Fault, diagnostic::Diagnostic};

pub(super) use self::course::Happened;
use self::{
    course::{Course, Planned},
    episode::Episode,
};
use super::pinned;

/// The time limit for an arm to be ready again after its faults: a PostgreSQL that was killed recovers, a Kafka node
/// starts.
const RECOVERED_WITHIN: Duration = Duration::from_mins(1);

/// The faults of one episode. Dropping it undoes the faults in force.
pub(super) struct Faults {
    episode: Arc<Episode>,
    threads: Vec<JoinHandle<Result<Option<Happened>>>>,
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
        let planned = |(index, fault): (usize, &Fault)| {
            Ok(Planned {
                fault: index,
                what: fault.what.name(),
                at: fault.at,
                until: fault.until(),
                after: earlier_ones(faults, fault),
                victim: arm.victim(fault)?,
            })
        };
        Self::of(faults.iter().enumerate().map(planned).collect::<Result<_>>()?, cpus, interrupt)
    }

    /// Starts the thread of each.
    fn of(planned: Vec<Planned>, cpus: &[usize], interrupt: &Interrupt) -> Result<Self> {
        let mut faults = Self { episode: Arc::default(), threads: Vec::new() };
        for one in planned {
            let course = Course { episode: Arc::clone(&faults.episode), interrupt: interrupt.clone() };
            let cpus = cpus.to_vec();
            let run = move || {
                if !cpus.is_empty() {
                    pinned::this_thread(&cpus).context("cannot pin a fault to the processors of the arms")?;
                }
                runs_first();
                course.run(one)
            };
            let thread = thread::Builder::new().name("fault".to_owned()).spawn(run);
            faults.threads.push(thread.context("cannot start a thread")?);
        }
        Ok(faults)
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
        let ended = self.end_threads();
        Ok(ended.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// Ends the episode, and with it every thread; returns when all have ended.
    fn end_threads(&mut self) -> Vec<Result<Option<Happened>>> {
        self.episode.end();
        let panicked = || Diagnostic::new("the lab panicked while it made a fault").into();
        let threads = std::mem::take(&mut self.threads).into_iter();
        threads.map(|thread| thread.join().unwrap_or_else(|_| Err(panicked()))).collect()
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        self.end_threads();
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
        self.faults.episode.begin(Instant::now());
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

/// Those that are over when this one begins, and are of one thing with it: it waits for their ends, which may be late.
fn earlier_ones(faults: &[Fault], fault: &Fault) -> Vec<usize> {
    let is_before = |other: &Fault| other.until() <= fault.at && other.is_of_one_thing(fault);
    faults.iter().enumerate().filter(|(_, other)| is_before(other)).map(|(index, _)| index).collect()
}

/// Asks that this thread run before everything else on its processors, so that a fault is in time on a busy machine.
///
/// A real-time policy: on a processor that others keep busy, a thread of the highest ordinary priority was some 10 ms
/// late in one case of ten, and one of this policy at most 0.1 ms. Needs the capability `CAP_SYS_NICE`; without it, or
/// without util-linux, the thread competes like any other. What it starts has the ordinary policy (`--reset-on-fork`).
fn runs_first() {
    let mut chrt = Command::new("chrt");
    chrt.args(["--fifo", "--reset-on-fork", "--pid", "1"]).arg(gettid().to_string());
    let _ = chrt.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

#[cfg(test)]
mod tests;
