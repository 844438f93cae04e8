//! The differences, and the verdicts on the claims of textbooks.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use statistics::{Interval, Verdict};

/// One arm against its baseline in one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The metric: `cpu`, `p50`, `p90`, `p99`, `p999`, `capacity`, `memory`, `hops`, ...
    #[serde(deserialize_with = "metric")]
    pub metric: String,
    /// Its unit: `us`, `ms`, `MiB`, or empty for a count.
    pub unit: String,
    /// The label of the arm.
    pub arm: String,
    /// The label of the arm that it is compared with.
    pub baseline: String,
    /// The ratio `arm / baseline`; absent for exact counts, and if too little was measured.
    pub interval: Option<Interval>,
    /// The conclusion from the interval; absent without one.
    pub verdict: Option<Verdict>,
    /// The same as a sentence, without a full stop.
    pub sentence: String,
    /// The point at which the verdict would change sign, if the scenario determines it.
    pub where_flips: Option<String>,
}

/// A metric's name; older reports call `capacity` throughput.
fn metric<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    Ok(if name == "throughput" { "capacity".to_owned() } else { name })
}

/// The answer to the scenario's question, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The sentence with this run's figures.
    pub sentence: String,
    /// Whether every figure in it is known.
    pub certain: bool,
}

/// A statement from a textbook, compared with this run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The statement.
    pub text: String,
    /// The source of the statement.
    #[serde(default)]
    pub source: Option<String>,
    /// This run's verdict.
    pub verdict: ClaimVerdict,
    /// The verdict that the scenario expects.
    pub expected: ClaimVerdict,
    /// The figures behind the verdict, as a sentence.
    pub because: String,
    /// The fact of the ledger that the claim is about, if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<String>,
}

impl Claim {
    /// Whether the verdict is the expected one.
    pub fn is_as_expected(&self) -> bool {
        self.verdict == self.expected
    }
}

/// The verdict of a run on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimVerdict {
    /// It holds.
    Holds,
    /// It does not hold on this system under this load.
    DoesNotHoldHere,
    /// The run cannot tell.
    CannotTell,
}

impl fmt::Display for ClaimVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Holds => "holds",
            Self::DoesNotHoldHere => "does not hold here",
            Self::CannotTell => "cannot tell",
        })
    }
}
