//! What differs, and what that says about the textbook.

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
    /// The ratio `arm / baseline`; absent for exact counts and where too little was measured.
    pub interval: Option<Interval>,
    /// What the interval says; absent with it.
    pub verdict: Option<Verdict>,
    /// The same in a sentence, without a full stop.
    pub sentence: String,
    /// Where the verdict would turn round, if the scenario looked for it.
    pub where_flips: Option<String>,
}

/// A metric's name; an earlier lab called `capacity` throughput.
fn metric<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    Ok(if name == "throughput" { "capacity".to_owned() } else { name })
}

/// The answer to the scenario's question, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// A sentence with this run's figures.
    pub sentence: String,
    /// Whether every figure in it could be told.
    pub certain: bool,
}

/// A statement that a textbook makes, held against this run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The statement.
    pub text: String,
    /// Where it is made.
    #[serde(default)]
    pub source: Option<String>,
    /// What this run says.
    pub verdict: ClaimVerdict,
    /// What the scenario expects it to say.
    pub expected: ClaimVerdict,
    /// The figures behind the verdict, in a sentence.
    pub because: String,
    /// The fact of the ledger that it is about, where a claim names one as such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<String>,
}

impl Claim {
    /// Whether the run says what the scenario expects.
    pub fn is_as_expected(&self) -> bool {
        self.verdict == self.expected
    }
}

/// What a run says about a claim.
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
