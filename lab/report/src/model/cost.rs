//! What an operation costs.

use serde::{Deserialize, Serialize};
use statistics::Interval;

/// Percentiles of a latency in milliseconds; a percentile that too few operations carry is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub p50: Option<f64>,
    /// The 90th percentile.
    pub p90: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The 99.9th percentile.
    pub p999: Option<f64>,
    /// The longest seen.
    pub max: Option<f64>,
}

/// One point of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The share of operations at or below `ms`: 0 to 1, below 1.
    pub quantile: f64,
    /// Milliseconds.
    pub ms: f64,
}

/// CPU microseconds an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CpuCost {
    /// All processes and backings of the arm, in microseconds.
    pub total: Option<Interval>,
    /// The same by part; the parts add up to the total.
    pub parts: Vec<Part>,
}

/// A part of a cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The process or backing; a process is named by what it hosts.
    pub name: String,
    /// Which of the two.
    pub kind: PartKind,
    /// CPU microseconds an operation.
    pub us: f64,
    /// How sure that is.
    #[serde(default)]
    pub interval: Option<Interval>,
}

/// Whose cost a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// A process of the system, with the components that it hosts.
    Component,
    /// A store or broker.
    Backing,
}

/// Memory in MiB, over all processes and backings of an arm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Resident at the end of the load.
    pub resident: Option<f64>,
    /// The most that was resident.
    pub peak: Option<f64>,
    /// The resident memory by part.
    pub parts: Vec<MemoryPart>,
}

/// The memory of one process or backing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryPart {
    /// The process or backing.
    pub name: String,
    /// Whose it is.
    pub kind: PartKind,
    /// Resident MiB.
    pub mib: f64,
}

/// Mean counts an operation; absent where nothing counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PerOperation {
    /// Calls from one process to another.
    pub hops: Option<f64>,
    /// Bytes between processes, both directions.
    pub bytes: Option<f64>,
    /// SQL statements.
    pub sql: Option<f64>,
    /// Look-ups that a cache answered.
    pub cache_hits: Option<f64>,
    /// Look-ups that no tier of a cache answered, and that asked the store.
    pub cache_misses: Option<f64>,
    /// Events published.
    pub events: Option<f64>,
    /// Commands to Redis, where processes count them.
    #[serde(default)]
    pub redis: Option<f64>,
}
