//! The journeys that a sender drives, as far as it has to know them.

use std::time::Duration;

use super::{
    Lane, SenderError,
    live::{LiveJourneys, LiveLane},
};
use crate::{journey::Journeys, ledger::LedgerVerdict, series::Series};

/// The generator's interface to a system.
pub trait SystemJourneys: Send {
    /// Brings the system into the state that the operations assume, in a closed loop over `lane`.
    fn prepare(
        &mut self,
        lane: &mut Lane,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError>;

    /// The operations to measure.
    fn operations(&mut self) -> &mut dyn Journeys;

    /// Checks through the public API whether the system holds everything that it acknowledged to these
    /// journeys and their forks.
    fn check(&mut self, lane: &mut Lane, check: &Check) -> LedgerVerdict;

    /// How many connections its operations hold open; 0 for operations of requests and replies.
    ///
    /// An arm with such connections has a [`LiveLane`] beside its lane. Its slices run on that one, by [`live`](Self::live)
    /// and not by [`operations`](Self::operations); preparation and check go on using the lane.
    fn live_connections(&self) -> usize {
        0
    }

    /// The operations to measure, if they are of connections that are held open.
    fn live(&mut self) -> Option<&mut dyn LiveJourneys> {
        None
    }

    /// The same as [`check`](Self::check), with the connections that are held open.
    fn check_live(&mut self, lane: &mut Lane, live: &mut LiveLane, check: &Check) -> LedgerVerdict {
        let _ = live;
        self.check(lane, check)
    }

    /// Counts over the time of the current or last slice, if the system has a drawing. A fork has its own.
    fn series(&self) -> Option<Series> {
        None
    }

    /// Journeys for another thread, after the preparation: with their own randomness and the same ledger.
    fn fork(&self, nth: u64) -> Box<dyn SystemJourneys>;
}

/// The progress of a preparation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Things done.
    pub done: u64,
    /// Things to do.
    pub total: u64,
}

/// The reasons why a preparation failed.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The sender's own failure.
    #[error(transparent)]
    Sender(#[from] SenderError),
    /// The system did not do what the preparation requested.
    #[error(
        "only {done} of {total} {what} could be prepared; failures: {failures}\nhint: is the system healthy?"
    )]
    Incomplete {
        /// The things to make.
        what: &'static str,
        /// The number made.
        done: u64,
        /// The number requested.
        total: u64,
        /// The causes and their counts.
        failures: String,
    },
}

/// The limits of a ledger check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Requests in flight at once.
    pub in_flight: usize,
    /// How long a count that is too low must stay unchanged before it counts as settled, polled every 250 ms.
    /// While the system reports events in flight, the count is not settled.
    pub settle: Duration,
    /// The longest wait for counts to settle: longer than any part of a system takes to detect another's
    /// death and to take over its work.
    pub deadline: Duration,
    /// The time limit of each pass over all things.
    pub pass: Duration,
    /// How long the check waits for a change that is allowed to take effect late, such as a delete behind a cache.
    pub patience: Duration,
}

impl Default for Check {
    fn default() -> Self {
        Self {
            in_flight: 32,
            settle: Duration::from_secs(4),
            deadline: Duration::from_mins(1),
            pass: Duration::from_mins(2),
            patience: Duration::from_secs(75),
        }
    }
}
