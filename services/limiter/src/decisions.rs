//! The contract of the component `decisions`.

use std::{borrow::Cow, time::Duration};

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::Limit;

/// Questions about one request.
pub const MAX_ASKS: usize = 16;
/// Facts of one question: more than a request has header fields. Only those that a policy names are looked at, so how
/// many and how long the others are is for whoever reads the request to say.
pub const MAX_FACTS: usize = 512;
/// The most that one request may count for.
pub const MAX_COST: u32 = 1_000;

/// Decides whether requests pass.
#[async_trait]
pub trait Decisions: Send + Sync {
    /// Whether this request passes; if it does, it is counted. Not idempotent: asked twice it counts twice.
    async fn decide(&self, ask: Ask) -> Result<Decision, DecisionError>;

    /// The same where there are several questions about one request: it is charged for all of them, or for none if one is
    /// refused. A decision for each, in order.
    async fn decide_all(&self, asks: Asks) -> Result<Vec<Decision>, DecisionError>;
}

/// A request that wants to pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// What is known of it: at most [`MAX_FACTS`].
    pub facts: Vec<Fact>,
    /// How many ordinary requests it counts for: 1 to [`MAX_COST`].
    pub cost: u32,
}

/// Questions about one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asks {
    /// At most [`MAX_ASKS`]. Here a cost of 0 is a question as well: it passes where a request would, and charges nothing.
    pub asks: Vec<Ask>,
}

/// Something that is known of a request: `address`, `token`, or a header as `header:x-api-key`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub name: Cow<'static, str>,
    /// Its value.
    pub value: String,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether it passes.
    pub verdict: Verdict,
    /// Where it stands under each limit that applies, in the order of the policies. Empty where none does.
    pub standings: Vec<PolicyStanding>,
    /// Whether a dry-run policy would have refused it.
    pub would_refuse: bool,
    /// Whether the counts answered; if not, the verdict is what the axis `on-failure` says.
    pub counted: bool,
}

/// Whether a request passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It passes, after that long: longer than nothing only where the algorithm queues (leaky bucket).
    Admitted(Duration),
    /// It does not; another one like it may pass after that long, and never if its cost can never fit.
    Refused(Option<Duration>),
}

/// Where a key stands under one limit of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyStanding {
    /// The policy.
    pub policy: String,
    /// The limit.
    pub limit: Limit,
    /// How many ordinary requests would pass right after this one.
    pub remaining: u32,
    /// After how long one more would pass than now; zero where no more ever would.
    pub more_after: Duration,
    /// After how long all of the limit is there again if nothing more comes.
    pub reset_after: Duration,
}

/// What can go wrong with a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DecisionError {
    /// More than [`MAX_ASKS`].
    #[error("there are at most {MAX_ASKS} questions about a request")]
    TooManyAsks,
    /// More than [`MAX_FACTS`].
    #[error("a request has at most {MAX_FACTS} facts")]
    TooManyFacts,
    /// A cost that is none.
    #[error("a request costs 1 to {MAX_COST}")]
    Cost,
    /// The component did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for DecisionError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooManyAsks | Self::TooManyFacts | Self::Cost => Kind::Invalid,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
