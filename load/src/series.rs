//! Counts over the time of a slice, in buckets: for drawings, never for a verdict.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{self, Nanos};

/// The most buckets of a series; later events are dropped.
pub const MAX_BUCKETS: usize = 6_000;

/// The counts of one slice over time, or the sums of several slices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The drawing's title.
    pub title: String,
    /// Whether its curves count what became of operations, rather than something beside them.
    pub is_of_operations: bool,
    /// The length of a bucket.
    pub bucket: Duration,
    /// A reference level for the curves, if there is one.
    pub line: Option<Line>,
    /// The curves, all with the same number of buckets.
    pub curves: Vec<Curve>,
}

/// A reference level for curves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its label.
    pub label: String,
    /// Its height, in counts a bucket of one slice.
    pub per_bucket: f64,
}

/// One counted event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Its count in each bucket, from the start of the slice.
    pub counts: Vec<u64>,
}

impl Series {
    /// Adds another slice of the same kind to the curves of the same names, bucket by bucket.
    /// The sum of several slices, divided by their number, is the mean slice; the level stays that of one
    /// slice.
    pub fn merge(&mut self, other: &Self) {
        for theirs in &other.curves {
            let Some(ours) = self.curves.iter_mut().find(|ours| ours.name == theirs.name) else {
                self.curves.push(theirs.clone());
                continue;
            };
            if ours.counts.len() < theirs.counts.len() {
                ours.counts.resize(theirs.counts.len(), 0);
            }
            for (ours, theirs) in ours.counts.iter_mut().zip(&theirs.counts) {
                *ours += theirs;
            }
        }
    }
}

/// Counts `N` events while a slice runs, without allocating after its start.
#[derive(Debug)]
pub(crate) struct Timeline<const N: usize> {
    bucket: Duration,
    began: Nanos,
    counts: [Vec<u64>; N],
}

impl<const N: usize> Timeline<N> {
    /// An empty timeline, until a slice begins.
    pub(crate) fn new(bucket: Duration) -> Self {
        Self { bucket, began: 0, counts: [const { Vec::new() }; N] }
    }

    /// Restarts at `now`, with buckets for `length`.
    pub(crate) fn begin(&mut self, now: Nanos, length: Duration) {
        self.began = now;
        let buckets = clock::nanos(length).div_ceil(clock::nanos(self.bucket)) as usize;
        for counts in &mut self.counts {
            counts.clear();
            counts.resize(buckets.min(MAX_BUCKETS), 0);
        }
    }

    /// Counts one event of the `nth` kind at `now`, if that is within the slice's length; later events belong
    /// to the drain.
    /// Returns whether it was counted.
    pub(crate) fn count(&mut self, nth: usize, now: Nanos) -> bool {
        let at = now.saturating_sub(self.began) / clock::nanos(self.bucket);
        let bucket = self.counts[nth].get_mut(at as usize);
        let counted = bucket.is_some();
        if let Some(count) = bucket {
            *count += 1;
        }
        counted
    }

    /// The curves so far, with these names.
    pub(crate) fn curves(&self, names: [&str; N]) -> Vec<Curve> {
        let pairs = names.into_iter().zip(&self.counts);
        pairs.map(|(name, counts)| Curve { name: name.to_owned(), counts: counts.clone() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(counts: &[u64]) -> Series {
        let curves = vec![Curve { name: "admitted".to_owned(), counts: counts.to_vec() }];
        Series {
            title: String::new(),
            is_of_operations: true,
            bucket: Duration::from_millis(100),
            line: None,
            curves,
        }
    }

    #[test]
    fn slices_are_added_bucket_by_bucket() {
        let mut sum = series(&[1, 2]);
        sum.merge(&series(&[10, 20, 30]));
        assert_eq!(sum.curves[0].counts, [11, 22, 30]);
        let other = Curve { name: "refused".to_owned(), counts: vec![7] };
        sum.merge(&Series { curves: vec![other.clone()], ..series(&[]) });
        assert_eq!(sum.curves[1], other);
    }

    #[test]
    fn what_happens_is_counted_in_its_bucket_and_not_after_the_slice() {
        let ms = 1_000_000;
        let mut line = Timeline::<2>::new(Duration::from_millis(100));
        line.count(0, 5);
        line.begin(1_000 * ms, Duration::from_millis(250));
        for at in [1_000, 1_099, 1_100, 1_299, 1_300] {
            line.count(1, at * ms);
        }
        let curves = line.curves(["one", "other"]);
        assert_eq!((&curves[0].counts[..], &curves[1].counts[..]), (&[0, 0, 0][..], &[2, 1, 1][..]));
        line.begin(0, Duration::MAX);
        assert_eq!(line.curves(["one", "other"])[0].counts.len(), MAX_BUCKETS);
    }
}
