//! What happened over the time of an episode.

use serde::{Deserialize, Serialize};

/// Counts over the time of an episode, as the mean of all episodes of an arm: for looking at, and no verdict rests
/// on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What is counted.
    pub title: String,
    /// How long a bucket is.
    pub bucket_ms: f64,
    /// What the first curve is held against in any window; absent where it is not about one limit alone.
    pub limit: Option<SeriesLimit>,
    /// A level to read the curves against where there is no such limit.
    pub level: Option<SeriesLevel>,
    /// The curves; a limit is about the first.
    pub curves: Vec<SeriesCurve>,
}

/// So many in so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesLimit {
    /// How many.
    pub requests: u32,
    /// In any window of this length, which is a whole number of buckets.
    pub window_ms: f64,
}

/// A level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesLevel {
    /// What it is.
    pub label: String,
    /// How high it lies.
    pub per_bucket: f64,
}

/// One thing that was counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesCurve {
    /// What it is: `admitted`.
    pub name: String,
    /// The mean count of each bucket, from the start of the episode.
    pub counts: Vec<f64>,
}
