//! A small histogram for each bucket of an episode.
//!
//! A time falls into one of 16 equal parts of its power of two, so that a percentile is at most 3.1 % off, and a bucket
//! takes 1.5 KB: a hundredth of a [`record::histogram`](crate::record::histogram), which has three digits.

use std::time::Duration;

use crate::clock::{self, Nanos};

/// The bounds of the histogram, as powers of two of nanoseconds: 8 µs and 69 s.
const FIRST_POWER: u32 = 13;
const LAST_POWER: u32 = 36;
/// The parts of a power of two.
const PARTS: usize = 16;
/// The classes of one histogram.
const CLASSES: usize = (LAST_POWER - FIRST_POWER) as usize * PARTS;
/// The lengths that a bucket may have, in milliseconds; the first that gives at most [`MOST_BUCKETS`] is taken.
const LENGTHS: [u64; 8] = [50, 100, 200, 500, 1_000, 2_000, 3_000, 5_000];
/// The most buckets: as many as a drawing can show.
pub(super) const MOST_BUCKETS: u32 = 200;

/// The latencies of an episode, or of several, bucket by bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    /// The length of a bucket, a multiple of [`FINE`](super::FINE).
    pub bucket: Duration,
    /// The counts of all classes of the first bucket, then of the second, ...
    counts: Vec<u32>,
}

impl Latencies {
    /// Empty histograms for an episode of this length.
    pub fn of(length: Duration) -> Self {
        let lengths = LENGTHS.map(Duration::from_millis);
        let bucket = lengths.into_iter().find(|bucket| *bucket * MOST_BUCKETS >= length);
        let bucket = bucket.unwrap_or(lengths[LENGTHS.len() - 1]);
        let buckets = length.as_nanos().div_ceil(bucket.as_nanos()) as usize;
        Self { bucket, counts: vec![0; buckets * CLASSES] }
    }

    /// The number of buckets.
    pub fn buckets(&self) -> usize {
        self.counts.len() / CLASSES
    }

    /// Adds the latencies of another episode of the same length.
    pub fn add(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.clone_from(other);
            return;
        }
        for (ours, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *ours = ours.saturating_add(*theirs);
        }
    }

    /// A percentile of a bucket; `None` unless at least one operation lies beyond it.
    pub fn quantile(&self, bucket: usize, quantile: f64) -> Option<Duration> {
        let counts = self.counts.chunks_exact(CLASSES).nth(bucket)?;
        let all: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        let beyond = (all as f64 * (1.0 - quantile) + 1e-9).floor();
        if beyond < 1.0 {
            return None;
        }
        let rank = all - beyond as u64;
        let mut below = 0;
        let class = counts.iter().position(|count| {
            below += u64::from(*count);
            below >= rank
        })?;
        Some(Duration::from_nanos(middle(class)))
    }

    /// Records a latency `at` a time since the start of the episode.
    pub(super) fn record(&mut self, at: Nanos, latency: Nanos) {
        let bucket = (at / clock::nanos(self.bucket).max(1)) as usize;
        let place = bucket.saturating_mul(CLASSES).saturating_add(class(latency));
        if let Some(count) = self.counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
    }
}

/// The class of a time: its power of two, and the part of it.
fn class(time: Nanos) -> usize {
    let time = time.clamp(1 << FIRST_POWER, (1 << LAST_POWER) - 1);
    let power = time.ilog2();
    // The four bits after the first.
    let part = (time >> (power - PARTS.ilog2())) as usize - PARTS;
    (power - FIRST_POWER) as usize * PARTS + part
}

/// The middle of a class.
fn middle(class: usize) -> Nanos {
    let (power, part) = (class / PARTS, class % PARTS);
    let width = (1_u64 << FIRST_POWER << power) / PARTS as u64;
    width * (PARTS + part) as u64 + width / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_comes_back_within_a_thirty_second_part_of_it() {
        let mut time = 10_000_u64;
        while time < 60_000_000_000 {
            let error = (middle(class(time)) as f64 / time as f64 - 1.0).abs();
            assert!(error <= 1.0 / 32.0 + 1e-6, "{time} ns: {error}");
            time += time / 37;
        }
        assert_eq!((class(0), class(u64::MAX)), (0, CLASSES - 1));
    }

    #[test]
    fn a_percentile_belongs_to_its_bucket_and_needs_an_operation_beyond_it() {
        let mut latencies = Latencies::of(Duration::from_secs(1));
        let ms = |ms: u64| ms * 1_000_000;
        for number in 1..=100 {
            latencies.record(ms(60), ms(number));
        }
        latencies.record(ms(110), ms(7));
        // In the drain.
        latencies.record(ms(1_000), ms(7));
        assert_eq!((latencies.bucket, latencies.buckets()), (Duration::from_millis(50), 20));
        let of = |bucket, quantile| {
            latencies.quantile(bucket, quantile).map(|time: Duration| time.as_secs_f64() * 1_000.0)
        };
        for (quantile, expected) in [(0.5, 50.0), (0.9, 90.0), (0.99, 99.0)] {
            let found: f64 = of(1, quantile).unwrap_or_default();
            assert!((found / expected - 1.0).abs() < 0.035, "{quantile}: {found}");
        }
        assert_eq!((of(1, 0.999), of(2, 0.5), of(0, 0.5), of(20, 0.5)), (None, None, None, None));
        let mut two = latencies.clone();
        two.add(&latencies);
        assert!(two.quantile(2, 0.5).is_some());
    }

    #[test]
    fn a_drawing_has_at_most_two_hundred_buckets() {
        for (seconds, ms) in [(1, 50), (10, 50), (12, 100), (60, 500), (600, 3_000)] {
            let latencies = Latencies::of(Duration::from_secs(seconds));
            assert_eq!(latencies.bucket, Duration::from_millis(ms), "{seconds} s");
            assert!(latencies.buckets() <= MOST_BUCKETS as usize);
        }
    }
}
