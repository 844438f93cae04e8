//! Sends operations when they are due, and times what comes back.
//!
//! One [`Sender`] is one thread and drives any number of arms, one slice of one arm at a time.
//! Each arm has a [`Lane`]: its own connections, epoll instance and timer, so that an idle arm costs nothing.
//!
//! - `slices`: which arm when;
//! - `pace`: the open and the closed loop;
//! - `release_queue`: when what is due leaves;
//! - `lane`: operations on connections;
//! - `connection`: one socket;
//! - `poll`: epoll and the timer.
//!
//! Latency is counted from the due time (Tene: "How NOT to Measure Latency", the coordinated omission problem).

mod connection;
mod lane;
mod pace;
mod poll;
mod release_queue;
mod slices;
mod slots;
mod target;

use std::time::Duration;

pub use self::lane::Lane;
pub use self::slices::{Observer, Slice, SlicePlan};
pub use self::target::{Limits, Target, TargetError};

use crate::journeys::{Check, PrepareError, Progress, SystemJourneys};
use crate::ledger::LedgerVerdict;
use crate::schedule::{Arrivals, Profile, Schedule};
use crate::series::Series;

/// What a sender sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Load {
    /// Operations are due by a schedule, whatever the replies.
    /// Every arm of a round has the same schedule, drawn from `seed` and the round.
    Open {
        /// How arrivals are spread.
        arrivals: Arrivals,
        /// The rate over each slice.
        profile: Profile,
        /// The seed of the schedules.
        seed: u64,
    },
    /// A fixed number of operations are in flight; each one that ends begins the next.
    /// A slow system is asked less often, so its latency under a given demand cannot be read from this.
    Closed {
        /// How many operations are in flight at once.
        in_flight: usize,
    },
}

/// One arm as the sender sees it: an address, and the journeys to drive there.
pub struct Arm {
    /// Where it is.
    pub target: Target,
    /// What is done there.
    pub journeys: Box<dyn SystemJourneys>,
}

/// Drives arms, one slice of one arm at a time, on the thread that calls it.
pub struct Sender {
    lanes: Vec<(Lane, Box<dyn SystemJourneys>)>,
}

/// Why a sender could not go on: the machine's fault, never the target's.
#[derive(Debug, thiserror::Error)]
#[error("the sender's event loop failed: {0}")]
pub struct SenderError(#[from] pub(crate) std::io::Error);

impl Sender {
    /// A sender for `arms`, in the order in which slices number them. Opens no connection yet.
    pub fn new(arms: Vec<Arm>, limits: &Limits) -> Result<Self, SenderError> {
        let lane = |arm: Arm| Ok((Lane::new(arm.target, limits)?, arm.journeys));
        Ok(Self { lanes: arms.into_iter().map(lane).collect::<Result<_, SenderError>>()? })
    }

    /// From now on every operation carries a fresh `traceparent` that asks to be sampled, or none does.
    pub fn traced(&mut self, traced: bool) {
        for (lane, _) in &mut self.lanes {
            lane.traced(traced);
        }
    }

    /// Brings one arm to the state that its operations assume (links to follow, products to buy).
    ///
    /// When `progress` returns `false`, it asks for no more, and the arm may be found to be incomplete.
    pub fn prepare(
        &mut self,
        arm: usize,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError> {
        let (lane, journeys) = &mut self.lanes[arm];
        journeys.prepare(lane, progress)
    }

    /// Runs every slice of `plan` in its order, until the last or until the observer says stop.
    ///
    /// A slice ends drained: nothing of it is in flight when the observer is told of its end.
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

    /// Runs one slice.
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
        let (lane, journeys) = &mut self.lanes[slice.arm];
        lane.clear();
        observer.slice_started(slice);
        journeys.operations().slice_began(slice.length);
        match load {
            Load::Open { arrivals, profile, seed } => {
                let schedule = Schedule::new(*arrivals, profile, slice.seed(*seed), slice.length);
                pace::open(lane, journeys.operations(), schedule, slice, observer)?;
            }
            Load::Closed { in_flight } => {
                pace::closed(lane, journeys.operations(), *in_flight, slice, observer)?;
            }
        }
        observer.slice_ended(slice, lane.record());
        Ok(())
    }

    /// Asks one arm's public API whether it still holds what it acknowledged.
    /// To be called when all slices have ended.
    pub fn check(&mut self, arm: usize, check: &Check) -> LedgerVerdict {
        let (lane, journeys) = &mut self.lanes[arm];
        journeys.check(lane, check)
    }

    /// From now on one arm is held to these limits. Its open connections are closed; nothing may be in flight.
    pub fn limit(&mut self, arm: usize, limits: &Limits) {
        self.lanes[arm].0.limit(limits);
    }

    /// What one arm's journeys counted over the time of its last slice, if they do.
    pub fn series(&self, arm: usize) -> Option<Series> {
        self.lanes[arm].1.series()
    }

    /// Where one arm is.
    pub fn target(&self, arm: usize) -> &Target {
        self.lanes[arm].0.target()
    }

    /// The journeys of one arm.
    pub fn journeys(&self, arm: usize) -> &dyn SystemJourneys {
        self.lanes[arm].1.as_ref()
    }
}

/// How often a loop looks at time-outs, at the observer's wish to stop, and at its progress.
pub(crate) const TICK: Duration = Duration::from_millis(10);
