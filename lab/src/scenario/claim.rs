//! Claims: what a textbook says about an axis, in a form that a run can hold against its figures.

use serde::{Deserialize, Serialize};

/// A statement that a scenario tests.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claim {
    /// The statement, one sentence.
    pub text: String,
    /// Where it is made: book and chapter, paper, or the practice that says it.
    pub source: String,
    /// The figure that it is about.
    pub metric: Metric,
    /// The arm that it is about.
    pub arm: String,
    /// The arm that it is compared with; none for `zero` and `above-zero`.
    pub against: Option<String>,
    /// What the figure is said to be.
    pub is: Relation,
    /// By which factor at least; none: by any amount that can be told apart from noise.
    pub by_at_least: Option<f64>,
    /// What the lab expects to find here; an expectation that fails makes the command end with exit code 1.
    pub expect: Expectation,
}

/// A figure that a run has for every arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// CPU microseconds an operation, all processes and backings of the arm.
    Cpu,
    /// Median latency from the due time, microseconds.
    P50,
    /// 90th percentile of latency from the due time, microseconds.
    P90,
    /// 99th percentile of latency from the due time, microseconds.
    P99,
    /// Resident memory of all processes of the arm, bytes.
    Memory,
    /// Calls from one process to another, an operation.
    Hops,
    /// SQL statements an operation.
    Sql,
    /// Operations that failed, as a share.
    Failed,
    /// Operations that were acknowledged and are gone.
    Lost,
    /// Operations that took effect more than once.
    Duplicated,
    /// Answers that were wrong.
    Wrong,
    /// Deleted things that were still answered right after the delete was acknowledged.
    Stale,
    /// Deleted things that were still answered two seconds after the delete.
    #[serde(rename = "stale-after-2s")]
    StaleForLong,
}

impl Metric {
    /// Every metric, in the order of a report.
    pub const ALL: [Self; 13] = [
        Self::Cpu,
        Self::P50,
        Self::P90,
        Self::P99,
        Self::Memory,
        Self::Hops,
        Self::Sql,
        Self::Failed,
        Self::Lost,
        Self::Duplicated,
        Self::Wrong,
        Self::Stale,
        Self::StaleForLong,
    ];

    /// The word in a scenario file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::Memory => "memory",
            Self::Hops => "hops",
            Self::Sql => "sql",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Wrong => "wrong",
            Self::Stale => "stale",
            Self::StaleForLong => "stale-after-2s",
        }
    }
}

/// What a claim says about its figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// Higher than in the other arm.
    Higher,
    /// Lower than in the other arm.
    Lower,
    /// No difference larger than the run's bound of equivalence.
    Same,
    /// Exactly zero.
    Zero,
    /// More than zero.
    AboveZero,
}

impl Relation {
    /// Whether the claim needs a second arm.
    pub fn needs_against(self) -> bool {
        matches!(self, Self::Higher | Self::Lower | Self::Same)
    }

    /// The word in a scenario file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::Same => "same",
            Self::Zero => "zero",
            Self::AboveZero => "above-zero",
        }
    }
}

/// What the lab expects a claim to do here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// The claim holds.
    #[default]
    Holds,
    /// The claim does not hold here: the scenario shows its limit.
    DoesNotHold,
}
