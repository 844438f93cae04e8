//! The contract of the component `counts`.

use std::time::Duration;

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::Limit;

/// Charges of one call: every limit of every policy for each question about a request. Such a message fits
/// into a hop's limit even with the longest keys.
pub const MAX_CHARGES: usize = crate::MAX_ASKS * crate::MAX_POLICIES * crate::MAX_LIMITS;

/// Counts what each key has used.
#[async_trait]
pub trait Counts: Send + Sync {
    /// Charges a request to its keys: to all of them, or to none if an enforced one has no room.
    ///
    /// Atomic for each key. Several charges of one key add up: there is room for all of them, or for none.
    /// Not idempotent: each call charges again.
    async fn take(&self, take: Take) -> Result<Taken, CountError>;
}

/// A request to charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    /// The charges, at most [`MAX_CHARGES`].
    pub charges: Vec<Charge>,
}

/// A charge of one key under its limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The count.
    pub key: CountKey,
    /// The limit.
    pub limit: Limit,
    /// Whether a lack of room refuses the whole request. If not, this charge is made or skipped on its own (a
    /// dry run).
    pub enforced: bool,
    /// The number of requests of cost 1 that it counts for; 0 is judged as 1 and charges nothing.
    pub cost: u32,
}

/// The name of a count. It names everything that distinguishes counts, so that no two share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CountKey(pub String);

/// The standings after a request, in the order of its charges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// One per charge.
    pub standings: Vec<Standing>,
}

/// The standing of a key under a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether the request fitted.
    pub admits: bool,
    /// The number of requests of cost 1 that still fit.
    pub remaining: u32,
    /// The time until one more fits than now; zero if that never happens.
    pub more_after: Duration,
    /// The time until the limit is fully restored if no further request comes.
    pub reset_after: Duration,
    /// For a refused request: the time until it fits, or `None` if its cost never fits. Zero for an admitted
    /// one.
    pub retry_after: Option<Duration>,
    /// For an admitted request: its wait in the queue of the leaky bucket. Zero for other algorithms.
    pub wait: Duration,
}

/// The errors of counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CountError {
    /// More than [`MAX_CHARGES`].
    #[error("a call carries at most {MAX_CHARGES} charges")]
    TooManyCharges,
    /// The component, or its backing, did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for CountError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooManyCharges => Kind::Invalid,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
