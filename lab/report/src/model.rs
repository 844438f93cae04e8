//! `report.json`: the content of a report, in one flat, versioned schema.
//!
//! Field names carry their units (`_ms`, `_us`, `_mib`, `_percent`).
//! A figure that the run cannot support is absent (`null`), never zero.
//! Fields may be added under the same version; a field that changes its meaning or is removed makes a new
//! version.

mod arm;
mod comparison;
mod conditions;
mod cost;
mod fault;
mod ledger;
mod question;
mod series;
mod timeline;
mod topology;
mod trace;

pub use arm::{Arm, Capacity, CauseCount, Death, OutcomeLatency, SkippedArm, UsedBacking};
pub use comparison::{Answer, Claim, ClaimVerdict, Comparison};
pub use conditions::{AxisRow, Budget, GeneratorFloor, Held, Load, LoadPhase, Machine, Validity};
pub use cost::{CpuCost, Latency, Memory, MemoryPart, Part, PartKind, PerOperation, Point};
pub use fault::{Fault, FaultMade};
pub use ledger::{Fact, Ledger};
pub use question::{Kind, NegativeControl, Question};
use serde::{Deserialize, Serialize};
pub use series::{Series, SeriesCurve, SeriesLevel, SeriesLimit};
pub use timeline::{
    EndedCurve, FaultEffect, LatencyBand, LevelCurve, LinkTimeline, ProcessTimeline, Spread, Timeline,
};
pub use topology::{Backing, Link, Process, Topology};
pub use trace::{Span, TimeShare, Trace};

/// The schema that this version writes.
pub const SCHEMA: &str = "system-design-lab/report/1";

/// One recorded comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Always [`SCHEMA`] in a file of this version.
    pub schema: String,
    /// The run's name, which is its folder's.
    pub id: String,
    /// The start of the run: RFC 3339, UTC.
    pub created: String,
    /// The lab's version.
    pub lab_version: String,
    /// The commit that the lab was built from, if it was built from a checkout.
    pub commit: Option<String>,
    /// The command line.
    pub command: String,
    /// The scenario's question.
    pub scenario: Question,
    /// The machine of the measurement.
    pub machine: Machine,
    /// The seed of every random choice.
    pub seed: u64,
    /// The runtime: `process` or `compose`.
    pub runtime: String,
    /// Whether this is the quick form.
    pub quick: bool,
    /// The assignment of processors.
    pub budget: Budget,
    /// The load offered to the arms.
    pub load: Load,
    /// The axes on which the arms differ, with a value for each of [`Report::arms`], in that order.
    /// One row; in a waterfall one for each step, and none in an A/A run.
    pub plan_diff: Vec<AxisRow>,
    /// Every axis that all arms share.
    pub held: Vec<Held>,
    /// The wirings under comparison; the first is the baseline of the others.
    pub arms: Vec<Arm>,
    /// The answers to the question, one sentence each; empty if the scenario has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// Each arm against its baseline, metric by metric; the most important metric first.
    pub comparisons: Vec<Comparison>,
    /// The claims of textbooks, with this run's verdicts.
    pub claims: Vec<Claim>,
    /// The reasons why the figures can be trusted, or not.
    pub validity: Validity,
    /// Conclusions that this report does not support, one sentence each.
    pub does_not_show: Vec<String>,
    /// Arms that could not run here.
    pub skipped_arms: Vec<SkippedArm>,
    /// The command that repeats the run, with its seed.
    pub reproduce: String,
}

impl Report {
    /// The arm with this label.
    pub fn arm(&self, label: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.label == label)
    }

    /// The comparison of an arm in one metric.
    pub fn comparison(&self, arm: &str, metric: &str) -> Option<&Comparison> {
        self.comparisons.iter().find(|comparison| comparison.arm == arm && comparison.metric == metric)
    }
}
