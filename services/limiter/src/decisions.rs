//! The contract of the component `decisions`.

use std::{borrow::Cow, time::Duration};

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::Limit;

/// Questions about one request.
pub const MAX_ASKS: usize = 16;
/// Facts of one question: more than a request has header fields. Only facts that a policy names are read; the
/// reader of the request limits the number and length of the others.
pub const MAX_FACTS: usize = 512;
/// The most that one request may count for.
pub const MAX_COST: u32 = 1_000;

/// Decides whether requests pass.
#[async_trait]
pub trait Decisions: Send + Sync {
    /// Decides one request, and counts it if it passes. Not idempotent: each call counts.
    async fn decide(&self, ask: Ask) -> Result<Decision, DecisionError>;

    /// Decides several questions about one request: all are charged, or none if one is refused. Returns a
    /// decision for each, in order.
    async fn decide_all(&self, asks: Asks) -> Result<Vec<Decision>, DecisionError>;
}

/// A request to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The known facts of the request, at most [`MAX_FACTS`].
    pub facts: Vec<Fact>,
    /// The number of requests of cost 1 that it counts for: 1 to [`MAX_COST`].
    pub cost: u32,
}

/// Questions about one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asks {
    /// At most [`MAX_ASKS`]. A cost of 0 is allowed here: it passes if a request of cost 1 would, and charges
    /// nothing.
    pub asks: Vec<Ask>,
}

/// A fact about a request: `address`, `token`, or a header as `header:x-api-key`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The name.
    pub name: Cow<'static, str>,
    /// The value.
    pub value: String,
}

/// The decision about a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether it passes.
    pub verdict: Verdict,
    /// The standing under each limit that applies, in the order of the policies; empty if none applies.
    pub standings: Vec<PolicyStanding>,
    /// Whether a dry-run policy would have refused it.
    pub would_refuse: bool,
    /// Whether the counts responded; if not, the axis `on-failure` decided.
    pub counted: bool,
}

/// Whether a request passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It passes after this wait, which is above zero only under the leaky bucket.
    Admitted(Duration),
    /// It is refused; the same request would pass after this time, or never (`None`) if its cost never fits.
    Refused(Option<Duration>),
}

/// The standing of a key under one limit of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyStanding {
    /// The policy.
    pub policy: String,
    /// The limit.
    pub limit: Limit,
    /// The number of requests of cost 1 that would pass right after this one.
    pub remaining: u32,
    /// The time until one more would pass than now; zero if that never happens.
    pub more_after: Duration,
    /// The time until the limit is fully restored if no further request comes.
    pub reset_after: Duration,
}

/// The errors of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DecisionError {
    /// More than [`MAX_ASKS`].
    #[error("there are at most {MAX_ASKS} questions about a request")]
    TooManyAsks,
    /// More than [`MAX_FACTS`].
    #[error("a request has at most {MAX_FACTS} facts")]
    TooManyFacts,
    /// A cost of 0, or above [`MAX_COST`].
    #[error("a request costs 1 to {MAX_COST}")]
    Cost,
    /// The component did not respond.
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
