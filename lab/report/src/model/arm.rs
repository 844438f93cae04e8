//! One wiring and its results.

use serde::{Deserialize, Serialize};

use super::{
    CpuCost, FaultEffect, Latency, Ledger, Memory, PerOperation, Point, Series, TimeShare, Timeline,
    Topology, Trace,
};

/// One wiring under comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Unique in the run, and valid in a file name: `microservices`.
    pub name: String,
    /// The name for readers: `microservices`, or `monolith (A)` in an A/A run.
    pub label: String,
    /// The wiring in a sentence.
    pub summary: String,
    /// The known defect, if it is a negative control.
    pub negative_control: Option<String>,
    /// The processes and their calls.
    pub topology: Topology,
    /// Each store and broker, with its origin.
    pub backings: Vec<UsedBacking>,
    /// The throughput achieved: successful operations a second, over the time in which the arm answered.
    pub throughput_per_s: f64,
    /// Due operations, a second of the arm's own measured time; absent in older reports.
    #[serde(default)]
    pub offered_per_s: Option<f64>,
    /// Whether it answered less than it was offered.
    #[serde(default)]
    pub saturated: bool,
    /// Its capacity; absent without a ramp, and in older reports.
    #[serde(default)]
    pub capacity: Option<Capacity>,
    /// Successful operations.
    pub operations: u64,
    /// Operations refused for a reason that the system's rules permit.
    pub refused: Vec<CauseCount>,
    /// Operations that failed.
    pub failed: Vec<CauseCount>,
    /// Operations with an unknown result.
    pub indeterminate: u64,
    /// Requests sent once more after the server closed their connection.
    #[serde(default)]
    pub resent: u64,
    /// Latency from the due time.
    pub latency_ms: Latency,
    /// Latency from the actual send, which hides the wait for a busy server.
    pub service_ms: Latency,
    /// The distribution of latency from the due time, by ascending quantile, up to the last one with enough
    /// samples.
    pub latency_curve: Vec<Point>,
    /// Latency from the due time by outcome; empty in older reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeLatency>,
    /// CPU time per operation.
    pub cpu_us_per_op: CpuCost,
    /// Memory of all its processes and backings.
    pub memory_mib: Memory,
    /// Other costs per operation.
    pub per_op: PerOperation,
    /// The acknowledged changes, compared with the system's state.
    pub ledger: Option<Ledger>,
    /// The time of an operation by place, from traces.
    pub where_time_goes: Vec<TimeShare>,
    /// An operation of median duration.
    pub trace: Option<Trace>,
    /// Counts over the time of an episode, if the journeys have them.
    #[serde(default)]
    pub series: Option<Series>,
    /// What happened over the time of an episode; absent without episodes, and in older reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    /// What each fault did to it; empty without faults, and in older reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<FaultEffect>,
    /// Its end, if it ended early.
    pub died: Option<Death>,
}

/// Operations with one outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeLatency {
    /// The kind of a success, such as `follow` or `admitted`; the cause of a refusal, such as `unavailable`;
    /// or `failed`.
    pub outcome: String,
    /// Their number.
    pub count: u64,
    /// From the due time to the end of the reply; at least the time-out for an operation without one.
    pub latency_ms: Latency,
}

/// The capacity of an arm: the most operations a second that it answered in a closed loop, with at most one
/// in a hundred failing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// Operations a second.
    pub per_s: f64,
    /// The ends of its interval; absent if too little was measured.
    pub ends: Option<[f64; 2]>,
    /// Whether the generator was the bottleneck, so that the arm's capacity may be higher.
    pub at_least: bool,
    /// The number of operations in flight.
    pub in_flight: u64,
    /// CPU microseconds per operation at that load.
    pub cpu_us_per_op: f64,
}

impl Arm {
    /// The offered load as a share of the capacity.
    pub fn load_of_capacity(&self) -> Option<f64> {
        Some(self.offered_per_s? / self.capacity?.per_s)
    }

    /// What journeys counted over time of their operations.
    pub(crate) fn series_of_operations(&self) -> Option<&Series> {
        self.series.as_ref().filter(|series| series.is_of_operations)
    }

    /// What journeys counted over time beside their operations.
    pub(crate) fn series_beside_operations(&self) -> Option<&Series> {
        self.series.as_ref().filter(|series| !series.is_of_operations)
    }
}

/// A store or broker in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedBacking {
    /// Its role: `database`.
    pub role: String,
    /// Its origin: `embedded`, `native`, `compose`, `url`.
    pub provider: String,
    /// Its version: `PostgreSQL 17.2`.
    pub version: String,
}

/// A count with its cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseCount {
    /// The cause.
    pub cause: String,
    /// The count.
    pub count: u64,
}

/// A process that ended early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Death {
    /// The process.
    pub process: String,
    /// The time, in seconds since load began; absent if it never became ready.
    pub when_s: Option<f64>,
    /// The last lines of its log.
    pub last_log_lines: Vec<String>,
}

/// An arm that could not run here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedArm {
    /// Its label.
    pub name: String,
    /// What is missing.
    pub why: String,
    /// How to get it.
    pub hint: String,
}
