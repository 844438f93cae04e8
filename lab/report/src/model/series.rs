//! Counts over the time of an episode.

use serde::{Deserialize, Serialize};

/// Counts over the time of an episode, as the mean of all episodes of an arm: for drawings only, no verdict
/// uses them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The drawing's title.
    pub title: String,
    /// Whether its curves count what became of operations; otherwise an episode shows them beside those.
    #[serde(default = "is_of_operations")]
    pub is_of_operations: bool,
    /// The length of a bucket.
    pub bucket_ms: f64,
    /// The limit of the first curve in any window; absent if there is not a single limit.
    pub limit: Option<SeriesLimit>,
    /// A reference level for the curves, if there is no such limit.
    pub level: Option<SeriesLevel>,
    /// The curves; a limit is about the first.
    pub curves: Vec<SeriesCurve>,
}

/// What runs were before there was anything else.
fn is_of_operations() -> bool {
    true
}

/// A number in a window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesLimit {
    /// The number.
    pub requests: u32,
    /// In any window of this length, which is a whole number of buckets.
    pub window_ms: f64,
}

/// A level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesLevel {
    /// Its label.
    pub label: String,
    /// Its height.
    pub per_bucket: f64,
}

/// One counted event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesCurve {
    /// Its name: `admitted`.
    pub name: String,
    /// The mean count of each bucket, from the start of the episode.
    pub counts: Vec<f64>,
}
