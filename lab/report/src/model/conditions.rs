//! The conditions of a run: machine, budget, load, and how far its figures may be believed.

use serde::{Deserialize, Serialize};

use super::Fault;

/// The machine that everything ran on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// Processors that the lab may use.
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

/// Who could use which processor; the same for every arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Processors of the generator alone; empty if it could not be pinned.
    pub generator_cpus: Vec<u32>,
    /// Processors that all processes of all arms share; empty if they could not be pinned.
    pub arm_cpus: Vec<u32>,
    /// The same in a sentence.
    pub note: String,
}

/// What was offered to each arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The mix of journeys.
    pub mix: String,
    /// Operations a second that were due while it was an arm's turn.
    pub rate: f64,
    /// How due times were drawn: `poisson`, `constant`, `closed loop`.
    pub arrivals: String,
    /// The length of one slice of one arm; of one episode in episode mode.
    pub slice_ms: f64,
    /// How often every arm had its turn.
    pub rounds: u64,
    /// How often each arm's processes were started afresh.
    pub launches: u32,
    /// Measured time of each arm, warm-up excluded.
    pub measured_seconds_per_arm: f64,
    /// How many things (links, rooms, products) existed before load began.
    pub things: u64,
    /// What they are called: `links`.
    pub things_name: String,
    /// The named stretches of an episode over which the rate moves; empty where it does not.
    #[serde(default)]
    pub phases: Vec<LoadPhase>,
    /// What went wrong on purpose in each episode; empty in most scenarios.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// A stretch of an episode with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadPhase {
    /// What it is called.
    pub name: String,
    /// When it begins, from the start of the episode.
    pub start_ms: f64,
    /// How long it takes.
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

/// Why the figures may or may not be believed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validity {
    /// Whether this run can give a verdict at all; if not, `notes` say why.
    pub verdict_possible: bool,
    /// Half of the width of the CPU ratio's interval, per cent of it: what two equal arms could have seemed to differ by.
    pub noise_floor_percent: Option<f64>,
    /// The 99th percentile of actual minus due send time.
    pub send_lag_p99_us: Option<f64>,
    /// An operation that was sent later than this after its due time is late, and a slice with too many of those is void.
    pub send_lag_bound_us: f64,
    /// What every latency contains of the generator itself; absent in earlier reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator_floor: Option<GeneratorFloor>,
    /// Slices that were void.
    pub void_slices: u64,
    /// Slices in all.
    pub total_slices: u64,
    /// Independent observations that the CPU comparison rests on, correlation taken off.
    pub effective_samples: Option<f64>,
    /// The smallest difference in CPU that this run finds four times in five.
    pub smallest_detectable_percent: Option<f64>,
    /// How many intervals share one allowance of false alarms.
    pub family_size: usize,
    /// The confidence of them all together: `0.95`.
    pub confidence: f64,
    /// Differences up to this are called none: `5.0`.
    pub equivalence_margin_percent: f64,
    /// Whatever else a reader should know, a sentence each.
    pub notes: Vec<String>,
}

/// The latency, from the due time, of a server that does nothing, under this generator at this run's rate: what no arm
/// can be faster than. Measured after the last launch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeneratorFloor {
    /// Operations that were measured.
    pub operations: u64,
    /// The median.
    pub p50_us: Option<f64>,
    /// The 99th percentile, if there were operations enough.
    pub p99_us: Option<f64>,
}
