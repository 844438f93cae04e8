//! The conditions of a run: machine, processors, load, and the validity of its figures.

use serde::{Deserialize, Serialize};

use super::Fault;

/// The machine of the measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// The number of processors that the lab may use.
    pub cores: u32,
    /// Memory.
    pub memory_mib: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The distribution.
    pub os: String,
    /// The compiler that built the lab.
    pub rust: String,
}

/// The assignment of processors, the same for every arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Processors of the generator alone; empty if it could not be pinned.
    pub generator_cpus: Vec<u32>,
    /// Processors that all processes of all arms share; empty if they could not be pinned.
    pub arm_cpus: Vec<u32>,
    /// The same as a sentence.
    pub note: String,
}

/// The load offered to each arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The mix of journeys.
    pub mix: String,
    /// Due operations a second during an arm's turn.
    pub rate: f64,
    /// The distribution of due times: `poisson`, `constant`, `closed loop`.
    pub arrivals: String,
    /// The length of one slice of one arm; of one episode in episode mode.
    pub slice_ms: f64,
    /// The number of rounds; every arm has a turn in each.
    pub rounds: u64,
    /// The number of times that each arm was started.
    pub launches: u32,
    /// Measured time of each arm, without the warm-up.
    pub measured_seconds_per_arm: f64,
    /// The number of things (links, rooms, products) that existed before load began.
    pub things: u64,
    /// The things' name: `links`.
    pub things_name: String,
    /// The named phases of an episode; empty if the rate is constant.
    #[serde(default)]
    pub phases: Vec<LoadPhase>,
    /// The faults injected in each episode; empty in most scenarios.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// A named phase of an episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadPhase {
    /// The name.
    pub name: String,
    /// Its start, from the start of the episode.
    pub start_ms: f64,
    /// Its length.
    pub length_ms: f64,
}

/// An axis on which arms differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AxisRow {
    /// The axis.
    pub key: String,
    /// Its value in each arm, in the order of the report's arms.
    pub values: Vec<String>,
}

/// An axis that all arms share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The axis.
    pub axis: String,
    /// Its one value.
    pub value: String,
}

/// The validity of the figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validity {
    /// Whether this run can have a verdict; if not, `notes` give the reason.
    pub verdict_possible: bool,
    /// The noise floor: half of the width of the CPU ratio's interval, in per cent of the ratio: the difference that equal
    /// arms could show.
    pub noise_floor_percent: Option<f64>,
    /// The 99th percentile of the send lag (the schedule delay): when the generator handled an operation, just before it built
    /// the request, minus when it was due.
    pub send_lag_p99_us: Option<f64>,
    /// An operation that is sent later than this after its due time is late, and a slice with too many late
    /// operations is void.
    pub send_lag_bound_us: f64,
    /// The generator's own share of every latency; absent in older reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator_floor: Option<GeneratorFloor>,
    /// Slices that were void: invalid measurements, which are discarded with their round.
    pub void_slices: u64,
    /// Slices in all.
    pub total_slices: u64,
    /// The number of independent observations behind the CPU comparison.
    pub effective_samples: Option<f64>,
    /// The smallest difference in CPU that this run detects four times in five.
    pub smallest_detectable_percent: Option<f64>,
    /// The number of intervals that share one allowance of false alarms.
    pub family_size: usize,
    /// The confidence of all of them together: `0.95`.
    pub confidence: f64,
    /// Smaller differences count as equal: `5.0`.
    pub equivalence_margin_percent: f64,
    /// Further notes, one sentence each.
    pub notes: Vec<String>,
}

/// The latency from the due time of a server that does nothing, with this generator at this run's rate: a
/// lower bound for every arm. Measured after the last launch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeneratorFloor {
    /// The number of measured operations.
    pub operations: u64,
    /// The median.
    pub p50_us: Option<f64>,
    /// The 99th percentile, if there were enough operations.
    pub p99_us: Option<f64>,
}
