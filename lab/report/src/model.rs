//! `report.json`: everything that a report says, in one flat, versioned schema.
//!
//! Field names carry their units (`_ms`, `_us`, `_mib`, `_percent`).
//! A figure that the run cannot vouch for is absent (`null`), never zero.
//! Fields may be added under the same version; a field that changes its meaning or goes away makes a new one.

mod arm;
mod comparison;
mod conditions;
mod cost;
mod fault;
mod ledger;
mod question;
mod series;
mod topology;
mod trace;

use serde::{Deserialize, Serialize};

pub use arm::{Arm, Capacity, CauseCount, Death, OutcomeLatency, SkippedArm, UsedBacking};
pub use comparison::{Answer, Claim, ClaimVerdict, Comparison};
pub use conditions::{AxisRow, Budget, GeneratorFloor, Held, Load, LoadPhase, Machine, Validity};
pub use cost::{CpuCost, Latency, Memory, MemoryPart, Part, PartKind, PerOperation, Point};
pub use fault::{Fault, FaultMade};
pub use ledger::{Fact, Ledger};
pub use question::{Kind, NegativeControl, Question};
pub use series::{Series, SeriesCurve, SeriesLevel, SeriesLimit};
pub use topology::{Backing, Link, Process, Topology};
pub use trace::{Span, TimeShare, Trace};

/// The schema that this version writes.
pub const SCHEMA: &str = "system-design-lab/report/1";

/// One recorded comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Always [`SCHEMA`] in a file of this version.
    pub schema: String,
    /// The run's own name, which is its folder's.
    pub id: String,
    /// When the run began: RFC 3339, UTC.
    pub created: String,
    /// The lab's version.
    pub lab_version: String,
    /// The commit that the lab was built from, if it was built from a checkout.
    pub commit: Option<String>,
    /// The command as it was given.
    pub command: String,
    /// What was asked.
    pub scenario: Question,
    /// Where it was measured.
    pub machine: Machine,
    /// Every random choice follows from it.
    pub seed: u64,
    /// What started the processes: `process` or `compose`.
    pub runtime: String,
    /// Whether this is the short form, for a first look.
    pub quick: bool,
    /// Who could use which processor.
    pub budget: Budget,
    /// What was offered to the arms.
    pub load: Load,
    /// The axes on which the arms differ, with a value for each arm of [`Report::arms`], in that order.
    /// One row, except in a waterfall, where each step changes one axis, and in an A/A run, where it has none.
    pub plan_diff: Vec<AxisRow>,
    /// Every axis that all arms share.
    pub held: Vec<Held>,
    /// The wirings under comparison; the first is the one that others are compared with.
    pub arms: Vec<Arm>,
    /// The answer to the question, in sentences; empty if the scenario does not say how to put it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// Each arm against its baseline, a metric at a time; the metrics in the order of importance.
    pub comparisons: Vec<Comparison>,
    /// What textbooks say, and what this run says to it.
    pub claims: Vec<Claim>,
    /// Why the figures may or may not be believed.
    pub validity: Validity,
    /// What no reader should conclude from this report, a sentence each.
    pub does_not_show: Vec<String>,
    /// Arms that could not run here.
    pub skipped_arms: Vec<SkippedArm>,
    /// The command that runs the same again, seed included.
    pub reproduce: String,
}

impl Report {
    /// The arm of that label.
    pub fn arm(&self, label: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.label == label)
    }

    /// The comparison of an arm in one metric.
    pub fn comparison(&self, arm: &str, metric: &str) -> Option<&Comparison> {
        self.comparisons.iter().find(|comparison| comparison.arm == arm && comparison.metric == metric)
    }
}
