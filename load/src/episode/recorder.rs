//! Counts what happens over the time of a slice, without allocating while it lasts.

use std::time::Duration;

use super::{Ended, Episode, FINE, Latencies, MOST_CAUSES};
use crate::clock::{self, Nanos};

/// The longest slice that is recorded to its end: the longest of a scenario.
const LONGEST: Duration = Duration::from_mins(10);
/// The cause under which all further ones are counted.
const OTHER_CAUSES: &str = "other causes";

/// Records one slice. Memory depends on its length only, at most 4 MB, and is taken before it begins.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    episode: Episode,
    began: Nanos,
    /// Empty counts for further causes.
    spare: Vec<Vec<u32>>,
}

impl Recorder {
    /// A recorder with room for `length`.
    pub(crate) fn new(length: Duration) -> Self {
        let length = length.min(LONGEST);
        let buckets = length.as_nanos().div_ceil(FINE.as_nanos()) as usize;
        let counts = || vec![0; buckets];
        let episode = Episode {
            offered: counts(),
            good: counts(),
            ended: Vec::with_capacity(MOST_CAUSES),
            latencies: Latencies::of(length),
        };
        Self { episode, began: 0, spare: (0..MOST_CAUSES).map(|_| counts()).collect() }
    }

    /// What it has recorded.
    pub(crate) fn episode(&self) -> &Episode {
        &self.episode
    }

    /// The slice begins.
    pub(crate) fn begin(&mut self, now: Nanos) {
        self.began = now;
    }

    /// Counts an operation that is due at `due`.
    pub(crate) fn due(&mut self, due: Nanos) {
        let bucket = self.bucket(due);
        add(&mut self.episode.offered, bucket);
    }

    /// Counts an operation that ended well.
    pub(crate) fn good(&mut self, now: Nanos) {
        let bucket = self.bucket(now);
        add(&mut self.episode.good, bucket);
    }

    /// Counts an operation that was refused or failed.
    pub(crate) fn bad(&mut self, now: Nanos, cause: &'static str, failed: bool) {
        let bucket = self.bucket(now);
        let place = self.place(cause, failed);
        if let Some(ended) = self.episode.ended.get_mut(place) {
            add(&mut ended.counts, bucket);
        }
    }

    /// Records a latency of what ended at `now`.
    pub(crate) fn latency(&mut self, now: Nanos, latency: Nanos) {
        self.episode.latencies.record(now.saturating_sub(self.began), latency);
    }

    fn bucket(&self, at: Nanos) -> usize {
        (at.saturating_sub(self.began) / clock::nanos(FINE)) as usize
    }

    /// The place of a cause, which is added at its first occurrence.
    fn place(&mut self, cause: &'static str, failed: bool) -> usize {
        let ended = &mut self.episode.ended;
        if let Some(place) = ended.iter().position(|ended| ended.cause == cause && ended.failed == failed) {
            return place;
        }
        // The last place is for all further causes.
        let (cause, failed) = if self.spare.len() > 1 { (cause, failed) } else { (OTHER_CAUSES, true) };
        if let Some(counts) = self.spare.pop() {
            ended.push(Ended { cause, failed, counts });
        }
        ended.len().saturating_sub(1)
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
        let mut recorder = Recorder::new(Duration::from_millis(45));
        recorder.begin(1_000 * MS);
        for due in [1_000, 1_001, 1_012, 1_030] {
            recorder.due(due * MS);
        }
        recorder.good(1_009 * MS);
        recorder.bad(1_030 * MS, "timeout", true);
        recorder.bad(1_031 * MS, "unavailable", false);
        // In the drain.
        recorder.good(1_050 * MS);
        let episode = recorder.episode();
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
        let mut recorder = Recorder::new(FINE);
        for cause in CAUSES {
            recorder.bad(0, cause, false);
        }
        let episode = recorder.episode();
        assert_eq!(episode.ended.len(), MOST_CAUSES);
        let last = episode.ended.last().map(|ended| (ended.cause, ended.counts[0]));
        assert_eq!(last, Some((OTHER_CAUSES, 3)));
        assert_eq!(episode.bad(), [14]);
    }

    #[test]
    fn memory_does_not_grow_beyond_the_longest_episode() {
        assert_eq!(Recorder::new(Duration::MAX).episode().buckets(), 60_000);
    }
}
