//! What happened over the time since a slice began, in buckets: for drawing, and never for a verdict.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The most buckets of a series; what happens later is in none.
pub const MAX_BUCKETS: usize = 6_000;

/// Counts of one slice over time, or the sums of several slices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What is drawn, for above the drawing.
    pub title: String,
    /// How long a bucket is.
    pub bucket: Duration,
    /// What the curves are to be read against, if there is such a thing.
    pub line: Option<Line>,
    /// The curves, all with equally many buckets.
    pub curves: Vec<Curve>,
}

/// A level to read curves against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What it is.
    pub label: String,
    /// How high it lies, in counts a bucket of one slice.
    pub per_bucket: f64,
}

/// One thing that was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Curve {
    /// What was counted.
    pub name: String,
    /// How often, bucket by bucket from the start of the slice.
    pub counts: Vec<u64>,
}

impl Series {
    /// Adds another slice of the same kind, bucket by bucket, to the curves of the same names.
    /// Who adds several and divides by their number has the mean slice; the line stays that of one slice.
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
