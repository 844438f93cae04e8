//! The contract of the component `clicks`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{LinkId, TallyId};

/// The most counts that one call may carry, over all its tallies.
pub const MAX_COUNTS: usize = 5_000;

/// Counts how often links are followed.
#[async_trait]
pub trait Clicks: Send + Sync {
    /// Adds tallies to the counts, each once however often it comes. Idempotent by the tallies' ids.
    async fn record(&self, tallies: Tallies) -> Result<Recorded, ClickError>;

    /// How often a link was followed, as far as is known here by now. Idempotent.
    async fn count(&self, link: LinkId) -> Result<ClickCount, ClickError>;
}

/// Tallies that are recorded together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tallies(pub Vec<Tally>);

/// Clicks that are added together, once: those of one event, or of a batch that never comes apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Unique: a tally is added once.
    pub id: TallyId,
    /// How often each link was followed.
    pub counts: BTreeMap<LinkId, u32>,
}

/// The tallies are in the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded;

/// A link's clicks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClickCount {
    /// How often it was followed.
    pub clicks: u64,
}

/// What can go wrong with clicks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ClickError {
    /// More than [`MAX_COUNTS`] in one call.
    #[error("a call carries at most {MAX_COUNTS} counts")]
    TooManyCounts,
    /// The component, or what it stands on, did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for ClickError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooManyCounts => Kind::Invalid,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
