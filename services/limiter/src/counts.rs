//! The contract of the component `counts`.

use std::time::Duration;

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::Limit;

/// Charges of one call: every limit of every policy for each question about a request, so that whatever may be asked
/// can be charged. Their message fits in one of a hop's, however long the keys are.
pub const MAX_CHARGES: usize = crate::MAX_ASKS * crate::MAX_POLICIES * crate::MAX_LIMITS;

/// Keeps what each key has used.
#[async_trait]
pub trait Counts: Send + Sync {
    /// Charges a request to its keys: to all of them, or to none if one that is enforced has no room.
    ///
    /// Atomic for each key. Charges of one key come on top of each other: there is room for all of them, or for none.
    /// Not idempotent: what is taken twice is gone twice.
    async fn take(&self, take: Take) -> Result<Taken, CountError>;
}

/// What is to be charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    /// To whom: at most [`MAX_CHARGES`].
    pub charges: Vec<Charge>,
}

/// A key, and the limit that it is held to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Whose count.
    pub key: CountKey,
    /// The limit.
    pub limit: Limit,
    /// Whether no room here refuses the whole; if not, this charge is made or left out by itself (a dry run).
    pub enforced: bool,
    /// How many ordinary requests it counts for; 0 is judged as 1 and charges nothing.
    pub cost: u32,
}

/// Names a count: by what it is, and not by what its limit happens to say, so that no two things share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CountKey(pub String);

/// Where each charge stands, in the order of the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// One for each charge.
    pub standings: Vec<Standing>,
}

/// Where a key stands under a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether there was room.
    pub admits: bool,
    /// How many ordinary requests would still find room.
    pub remaining: u32,
    /// After how long one more would find room than now; zero where no more ever would.
    pub more_after: Duration,
    /// After how long everything is there again if nothing more comes.
    pub reset_after: Duration,
    /// If there was no room: after how long there is for this one, and none if its cost can never fit. Zero if there was.
    pub retry_after: Option<Duration>,
    /// If there was room: how long the request has to wait for its turn (leaky bucket). Zero everywhere else.
    pub wait: Duration,
}

/// What can go wrong with counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CountError {
    /// More than [`MAX_CHARGES`].
    #[error("a call carries at most {MAX_CHARGES} charges")]
    TooManyCharges,
    /// The component, or what it stands on, did not answer.
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
