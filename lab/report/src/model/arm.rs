//! One wiring and what it did.

use serde::{Deserialize, Serialize};

use super::{CpuCost, Latency, Ledger, Memory, PerOperation, Point, Series, TimeShare, Topology, Trace};

/// One wiring under comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Unique in the run, and fit for a file's name: `microservices`.
    pub name: String,
    /// What a reader calls it: `microservices`, or `monolith (A)` in an A/A run.
    pub label: String,
    /// The wiring in a sentence.
    pub summary: String,
    /// What is wrong with it on purpose, if it is a negative control.
    pub negative_control: Option<String>,
    /// What runs where, and who calls whom.
    pub topology: Topology,
    /// Each store and broker, with where it came from.
    pub backings: Vec<UsedBacking>,
    /// Business operations that succeeded, a second, by the time in which it answered.
    pub throughput_per_s: f64,
    /// Operations that were due, a second of its own measured time; none in a report of an earlier lab.
    #[serde(default)]
    pub offered_per_s: Option<f64>,
    /// Whether it answered less than it was offered.
    #[serde(default)]
    pub saturated: bool,
    /// Its capacity; none where no ramp was run, as in a report of an earlier lab.
    #[serde(default)]
    pub capacity: Option<Capacity>,
    /// Business operations that succeeded.
    pub operations: u64,
    /// Operations refused for a reason that the business allows.
    pub refused: Vec<CauseCount>,
    /// Operations that failed.
    pub failed: Vec<CauseCount>,
    /// Operations whose fate the generator does not know.
    pub indeterminate: u64,
    /// Requests that were lost on a connection that the system was closing, and were sent once more.
    #[serde(default)]
    pub resent: u64,
    /// Latency from the due time.
    pub latency_ms: Latency,
    /// Latency from the actual send, which hides the wait for a busy server.
    pub service_ms: Latency,
    /// The distribution of latency from the due time, by rising quantile, up to the last that is a figure.
    pub latency_curve: Vec<Point>,
    /// Latency from the due time by what became of the operations; empty in a report of an earlier lab.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeLatency>,
    /// CPU time an operation.
    pub cpu_us_per_op: CpuCost,
    /// Memory of all its processes and backings.
    pub memory_mib: Memory,
    /// What else an operation takes.
    pub per_op: PerOperation,
    /// What was acknowledged against what the system holds.
    pub ledger: Option<Ledger>,
    /// Where an operation's time goes, from traces.
    pub where_time_goes: Vec<TimeShare>,
    /// One operation from the middle of the distribution.
    pub trace: Option<Trace>,
    /// What happened over the time of an episode, where the journeys count it.
    #[serde(default)]
    pub series: Option<Series>,
    /// How it ended, if it ended before its time.
    pub died: Option<Death>,
}

/// Operations that ended in one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeLatency {
    /// The kind of an operation that ended well, such as `follow` or `admitted`, the cause of a refusal, such as
    /// `unavailable`, or `failed`.
    pub outcome: String,
    /// How many.
    pub count: u64,
    /// From the due time to the end of the reply; what got none is charged at least the time-out.
    pub latency_ms: Latency,
}

/// The capacity of an arm: the most operations a second that it answered with some always in flight, at most one of a
/// hundred failing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// Operations a second.
    pub per_s: f64,
    /// The ends of its interval; none where too little was measured.
    pub ends: Option<[f64; 2]>,
    /// Whether the generator could not do more, so that the arm may.
    pub at_least: bool,
    /// How many operations were under way.
    pub in_flight: u64,
    /// CPU microseconds an operation meanwhile.
    pub cpu_us_per_op: f64,
}

impl Arm {
    /// The load that was offered, as a share of its capacity.
    pub fn load_of_capacity(&self) -> Option<f64> {
        Some(self.offered_per_s? / self.capacity?.per_s)
    }
}

/// A store or broker in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedBacking {
    /// What it is for: `database`.
    pub role: String,
    /// Where it came from: `embedded`, `native`, `compose`, `url`.
    pub provider: String,
    /// What it is: `PostgreSQL 17.2`.
    pub version: String,
}

/// How often something happened, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseCount {
    /// Why.
    pub cause: String,
    /// How often.
    pub count: u64,
}

/// A process that ended while it should not have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Death {
    /// Which.
    pub process: String,
    /// When, in seconds since load began; none if it never became ready.
    pub when_s: Option<f64>,
    /// The last that it logged.
    pub last_log_lines: Vec<String>,
}

/// An arm that could not run here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedArm {
    /// Its label.
    pub name: String,
    /// What it lacks.
    pub why: String,
    /// What would make it run.
    pub hint: String,
}
