//! What the generator sees over the time of an episode: counts in fine buckets, latencies in coarser ones.
//!
//! Read in this order: this file (the counts), `latencies` (a small histogram for each bucket).
//! Unlike a [`Series`](crate::series::Series), which belongs to the journeys of one system, every system has it.
//!
//! An operation counts as offered when it is due, and as ended when it ends, so that goodput falls when users
//! notice and rises when they are served again. What ends in the drain is not counted.

mod latencies;

use std::time::Duration;

pub use self::latencies::Latencies;
use crate::clock::{self, Nanos};

/// The length of a bucket of counts, which is the resolution of the time to detect a fault.
pub const FINE: Duration = Duration::from_millis(10);
/// The longest episode that is recorded to its end: the longest slice of a scenario.
const LONGEST: Duration = Duration::from_mins(10);
/// The most causes that are told apart; further ones are counted together.
const MOST_CAUSES: usize = 12;
/// The cause of the further ones.
const OTHER_CAUSES: &str = "other causes";

/// The counts of one episode, or of any slice. Memory depends on its length only, at most 4 MB, and is taken when it
/// begins.
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
    began: Nanos,
    /// Empty counts for further causes, so that none is allocated while the episode lasts.
    spare: Vec<Vec<u32>>,
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
    /// An episode without counts, with room for `length`.
    pub(crate) fn of(length: Duration) -> Self {
        let length = length.min(LONGEST);
        let buckets = length.as_nanos().div_ceil(FINE.as_nanos()) as usize;
        let counts = || vec![0; buckets];
        Self {
            offered: counts(),
            good: counts(),
            ended: Vec::with_capacity(MOST_CAUSES),
            latencies: Latencies::of(length),
            began: 0,
            spare: (0..MOST_CAUSES).map(|_| counts()).collect(),
        }
    }

    /// Its counts after it has ended, without the room for more.
    pub(crate) fn counted(&self) -> Self {
        Self { spare: Vec::new(), ..self.clone() }
    }

    /// Its length in buckets.
    pub fn buckets(&self) -> usize {
        self.offered.len()
    }

    /// Operations in flight at the end of each bucket, sent or waiting for a connection: those that were due and have
    /// not ended.
    pub fn in_flight(&self) -> Vec<u32> {
        let mut in_flight = 0_u32;
        (0..self.buckets())
            .map(|at| {
                let ended: u32 = self.ended.iter().map(|ended| ended.counts[at]).sum();
                in_flight = (in_flight + self.offered[at]).saturating_sub(self.good[at] + ended);
                in_flight
            })
            .collect()
    }

    /// Operations that did not end well in each bucket.
    pub fn bad(&self) -> Vec<u32> {
        (0..self.buckets()).map(|at| self.ended.iter().map(|ended| ended.counts[at]).sum()).collect()
    }

    pub(crate) fn begin(&mut self, now: Nanos) {
        self.began = now;
    }

    /// Counts an operation that is due at `due`.
    pub(crate) fn due(&mut self, due: Nanos) {
        let bucket = self.bucket(due);
        add(&mut self.offered, bucket);
    }

    /// Counts an operation that ended well.
    pub(crate) fn good(&mut self, now: Nanos) {
        let bucket = self.bucket(now);
        add(&mut self.good, bucket);
    }

    /// Counts an operation that was refused or failed.
    pub(crate) fn bad_end(&mut self, now: Nanos, cause: &'static str, failed: bool) {
        let bucket = self.bucket(now);
        let place = self.place(cause, failed);
        if let Some(ended) = self.ended.get_mut(place) {
            add(&mut ended.counts, bucket);
        }
    }

    /// Records a latency of what ended at `now`.
    pub(crate) fn latency(&mut self, now: Nanos, latency: Nanos) {
        self.latencies.record(now.saturating_sub(self.began), latency);
    }

    fn bucket(&self, at: Nanos) -> usize {
        (at.saturating_sub(self.began) / clock::nanos(FINE)) as usize
    }

    /// The place of a cause, which is added at its first occurrence.
    fn place(&mut self, cause: &'static str, failed: bool) -> usize {
        if let Some(place) =
            self.ended.iter().position(|ended| ended.cause == cause && ended.failed == failed)
        {
            return place;
        }
        // The last place is for all further causes.
        let (cause, failed) = if self.spare.len() > 1 { (cause, failed) } else { (OTHER_CAUSES, true) };
        if let Some(counts) = self.spare.pop() {
            self.ended.push(Ended { cause, failed, counts });
        }
        self.ended.len() - 1
    }
}

/// Adds one to a bucket; what comes after the last belongs to the drain.
fn add(counts: &mut [u32], bucket: usize) {
    if let Some(count) = counts.get_mut(bucket) {
        *count = count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;

    #[test]
    fn an_operation_is_offered_when_it_is_due_and_ends_when_it_ends() {
        let mut episode = Episode::of(Duration::from_millis(45));
        episode.begin(1_000 * MS);
        for due in [1_000, 1_001, 1_012, 1_030] {
            episode.due(due * MS);
        }
        episode.good(1_009 * MS);
        episode.bad_end(1_030 * MS, "timeout", true);
        episode.bad_end(1_031 * MS, "unavailable", false);
        // In the drain.
        episode.good(1_050 * MS);
        let episode = episode.counted();
        assert_eq!(episode.offered, [2, 1, 0, 1, 0]);
        assert_eq!(episode.good, [1, 0, 0, 0, 0]);
        assert_eq!(episode.bad(), [0, 0, 0, 2, 0]);
        assert_eq!(episode.in_flight(), [1, 2, 2, 1, 1]);
        let causes: Vec<_> = episode.ended.iter().map(|ended| (ended.cause, ended.failed)).collect();
        assert_eq!(causes, [("timeout", true), ("unavailable", false)]);
    }

    #[test]
    fn a_cause_too_many_is_counted_with_the_others() {
        const CAUSES: [&str; 14] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"];
        let mut episode = Episode::of(FINE);
        for cause in CAUSES {
            episode.bad_end(0, cause, false);
        }
        assert_eq!(episode.ended.len(), MOST_CAUSES);
        let last = episode.ended.last().map(|ended| (ended.cause, ended.counts[0]));
        assert_eq!(last, Some((OTHER_CAUSES, 3)));
        assert_eq!(episode.bad(), [14]);
    }

    #[test]
    fn memory_does_not_grow_beyond_the_longest_episode() {
        assert_eq!(Episode::of(Duration::MAX).buckets(), 60_000);
    }
}
