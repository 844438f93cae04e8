//! What the generator sees over the time of an episode: counts in fine buckets, latencies in coarser ones.
//!
//! Read in this order: this file (the counts), `latencies` (a small histogram for each bucket), `recorder` (how they come
//! about). Unlike a [`Series`](crate::series::Series), which belongs to the journeys of one system, every system has it.
//!
//! An operation counts as offered when it is due, and as ended when it ends, so that goodput falls when users
//! notice and rises when they are served again. What ends in the drain is not counted.

mod latencies;
mod recorder;

use std::time::Duration;

pub use self::latencies::Latencies;
pub(crate) use self::recorder::Recorder;

/// The length of a bucket of counts, which is the resolution of the time to detect a fault.
pub const FINE: Duration = Duration::from_millis(10);
/// The most causes with a count of their own; further ones are counted together.
const MOST_CAUSES: usize = 12;

/// The counts of one episode, or of any slice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Episode {
    /// Operations that were due in each bucket of [`FINE`].
    pub offered: Vec<u32>,
    /// Operations that ended well in it.
    pub good: Vec<u32>,
    /// Operations that ended otherwise in it, by cause, in the order of their first occurrence.
    pub ended: Vec<Ended>,
    /// The latencies of what ended, as in [`SliceRecord::latency`](crate::record::SliceRecord::latency).
    pub latencies: Latencies,
}

/// The operations that did not end well, of one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The cause: `unavailable`, `timeout`.
    pub cause: &'static str,
    /// Whether they failed; otherwise the system refused them.
    pub failed: bool,
    /// The count in each bucket of [`FINE`].
    pub counts: Vec<u32>,
}

impl Episode {
    /// Its length in buckets.
    pub fn buckets(&self) -> usize {
        self.offered.len()
    }

    /// Operations in flight at the end of each bucket, sent or waiting for a connection: those that were due and have
    /// not ended.
    pub fn in_flight(&self) -> Vec<u32> {
        let mut in_flight = 0_u32;
        let bad = self.bad();
        (0..self.buckets())
            .map(|at| {
                in_flight = (in_flight + self.offered[at]).saturating_sub(self.good[at] + bad[at]);
                in_flight
            })
            .collect()
    }

    /// Operations that did not end well in each bucket.
    pub fn bad(&self) -> Vec<u32> {
        (0..self.buckets()).map(|at| self.ended.iter().map(|ended| ended.counts[at]).sum()).collect()
    }
}
