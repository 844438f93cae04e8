//! Sends operations when they are due, and measures the replies.
//!
//! One [`Sender`] is one thread and drives any number of arms, one slice of one arm at a time.
//! Each arm has a [`Lane`]: its own connections, epoll instance and timer, so that an idle arm costs nothing. One whose
//! journeys are [live] has a [`LiveLane`](live::LiveLane) beside it.
//!
//! - `driven`: the journeys that a sender drives;
//! - `slices`: the order of slices;
//! - `arm`: one arm with its lanes, and its slices;
//! - `loops`: the open and the closed loop;
//! - `release_queue`: when due operations are released;
//! - `lane`: operations on connections;
//! - `meters`: how the end of an operation is counted;
//! - `connection`: one socket;
//! - `poll`: epoll and the timer;
//! - [`live`]: connections that are held open.
//!
//! Latency is counted from the due time (Tene: "How NOT to Measure Latency", the coordinated omission problem).

mod arm;
mod connection;
mod driven;
mod lane;
pub mod live;
mod loops;
mod meters;
mod poll;
mod release_queue;
mod slices;
mod slots;
mod target;
mod tracer;

use std::time::Duration;

use self::arm::DrivenArm;
pub use self::{
    driven::{Check, PrepareError, Progress, SystemJourneys},
    lane::Lane,
    slices::{Observer, Slice, SlicePlan},
    target::{Limits, Target, TargetError},
};
use crate::{
    episode::Episode,
    ledger::LedgerVerdict,
    schedule::{Arrivals, Profile},
    series::Series,
};

/// The load that a sender generates.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// Operations are due by a schedule, independent of replies.
    /// Every arm of a round has the same schedule, generated from `seed` and the round.
    Open {
        /// The distribution of arrivals.
        arrivals: Arrivals,
        /// The rate over each slice.
        profile: Profile,
        /// The seed of the schedules.
        seed: u64,
    },
    /// A fixed number of operations is in flight; the end of one starts the next.
    /// A slow system gets fewer requests, so this does not show its latency under a given demand.
    Closed {
        /// The number of operations in flight.
        in_flight: usize,
    },
}

/// One arm for the sender: an address, and the journeys to run there.
pub struct Arm {
    /// The address.
    pub target: Target,
    /// The journeys.
    pub journeys: Box<dyn SystemJourneys>,
}

/// Drives arms, one slice of one arm at a time, on the thread that calls it.
pub struct Sender {
    arms: Vec<DrivenArm>,
}

/// A failure of the sender's own machine, never of the target.
#[derive(Debug, thiserror::Error)]
#[error("the sender's event loop failed: {0}")]
pub struct SenderError(#[from] pub(crate) std::io::Error);

impl Sender {
    /// Creates a sender for `arms`; slices refer to them by index. Opens no connection yet.
    pub fn new(arms: Vec<Arm>, limits: &Limits) -> Result<Self, SenderError> {
        // Of one server each, usual limits have room; of several, each slot may have a connection to all of them.
        let further: usize = arms.iter().map(|arm| arm.target.routes.servers().len()).sum();
        let held_open: usize = arms.iter().map(|arm| arm.journeys.live_connections()).sum();
        if further + held_open > 0 {
            connection::raise_file_limit(limits.connections * (arms.len() + further) + held_open);
        }
        let arms = arms.into_iter().map(|arm| DrivenArm::new(arm, limits));
        Ok(Self { arms: arms.collect::<Result<_, SenderError>>()? })
    }

    /// Switches tracing for the following operations: each gets a fresh, sampled `traceparent`, or none does. Of what is sent
    /// over connections that are held open, the journeys write it where their protocol has it.
    pub fn traced(&mut self, traced: bool) {
        for arm in &mut self.arms {
            arm.traced(traced);
        }
    }

    /// Records what happens over the time of the following slices, or does not; see [`episode`](Self::episode).
    pub fn watched(&mut self, watched: bool) {
        for arm in &mut self.arms {
            arm.watched(watched);
        }
    }

    /// Brings one arm into the state that its operations assume (links to follow, products to buy).
    ///
    /// If `progress` returns `false`, the preparation stops early, and may report that the arm is incomplete.
    pub fn prepare(
        &mut self,
        arm: usize,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError> {
        self.arms[arm].prepare(progress)
    }

    /// Runs the slices of `plan` in order, until the last or until the observer stops the run.
    ///
    /// A slice ends drained: nothing of it is in flight when the observer is notified of its end.
    pub fn run(
        &mut self,
        plan: &SlicePlan,
        load: &Load,
        observer: &mut dyn Observer,
    ) -> Result<(), SenderError> {
        for slice in plan.slices() {
            if !observer.keep_going() {
                break;
            }
            self.run_slice(&slice, load, observer)?;
        }
        Ok(())
    }

    /// Runs one slice. Connections that are to be held open and are not open are opened before it starts.
    ///
    /// # Panics
    ///
    /// If the slice's arm is not one of the sender's.
    pub fn run_slice(
        &mut self,
        slice: &Slice,
        load: &Load,
        observer: &mut dyn Observer,
    ) -> Result<(), SenderError> {
        self.arms[slice.arm].run(slice, load, observer)
    }

    /// Checks through one arm's public API whether it holds everything that it acknowledged.
    /// Must be called after all slices.
    pub fn check(&mut self, arm: usize, check: &Check) -> LedgerVerdict {
        self.arms[arm].check(check)
    }

    /// Changes the limits of one arm. Closes its open connections; nothing may be in flight.
    pub fn limit(&mut self, arm: usize, limits: &Limits) {
        self.arms[arm].lane.limit(limits);
    }

    /// The counts over time of one arm's last slice, if its journeys have a drawing.
    pub fn series(&self, arm: usize) -> Option<Series> {
        self.arms[arm].journeys.series()
    }

    /// What happened over the time of one arm's last slice, if that was [recorded](Self::watched).
    pub fn episode(&self, arm: usize) -> Option<Episode> {
        self.arms[arm].episode()
    }

    /// The address of one arm.
    pub fn target(&self, arm: usize) -> &Target {
        self.arms[arm].lane.target()
    }

    /// The journeys of one arm.
    pub fn journeys(&self, arm: usize) -> &dyn SystemJourneys {
        self.arms[arm].journeys.as_ref()
    }
}

/// The interval at which a loop checks time-outs, the observer's stop, and progress.
pub(crate) const TICK: Duration = Duration::from_millis(10);
