//! The cost of an operation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use statistics::Interval;

/// Percentiles of a latency in milliseconds; a percentile with too few operations is absent.
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
    /// The maximum.
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

/// CPU microseconds per operation.
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
    /// The process or backing; a process is named after its components.
    pub name: String,
    /// Process or backing.
    pub kind: PartKind,
    /// CPU microseconds per operation.
    pub us: f64,
    /// The interval.
    #[serde(default)]
    pub interval: Option<Interval>,
}

/// The owner of a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// A process of the system, with its components.
    Component,
    /// A store or broker.
    Backing,
    /// The proxy on links that a fault is done to.
    Proxy,
}

/// Memory in MiB, over all processes and backings of an arm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// At the end of the load: anonymous and shared memory that is resident, without mapped files. So it is not the RSS.
    pub resident: Option<f64>,
    /// The peak.
    pub peak: Option<f64>,
    /// The resident memory by part.
    pub parts: Vec<MemoryPart>,
}

/// The memory of one process or backing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryPart {
    /// The process or backing.
    pub name: String,
    /// Process or backing.
    pub kind: PartKind,
    /// Resident MiB.
    pub mib: f64,
}

/// Mean counts per operation; absent if not counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PerOperation {
    /// Calls from one process to another.
    pub hops: Option<f64>,
    /// Bytes between processes, both directions.
    pub bytes: Option<f64>,
    /// SQL statements.
    pub sql: Option<f64>,
    /// Cache hits.
    pub cache_hits: Option<f64>,
    /// Look-ups that missed every tier of a cache and went to the store.
    pub cache_misses: Option<f64>,
    /// Events published.
    pub events: Option<f64>,
    /// Commands to Redis, if processes count them.
    #[serde(default)]
    pub redis: Option<f64>,
    /// The counters that the system declares, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub own: BTreeMap<String, f64>,
    /// Its figures that are one of these counters by another, by their names: not per operation.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ratios: BTreeMap<String, f64>,
}
