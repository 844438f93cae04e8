//! The contract of the component `clicks`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{LinkId, TallyId};

/// The most counts that one call may carry, over all its tallies.
pub const MAX_COUNTS: usize = 5_000;

/// Counts the clicks of links.
#[async_trait]
pub trait Clicks: Send + Sync {
    /// Adds tallies to the counts; a tally that comes again is ignored. Idempotent by the tallies' ids.
    async fn record(&self, tallies: Tallies) -> Result<Recorded, ClickError>;

    /// The clicks of a link that have been recorded so far. Idempotent.
    async fn count(&self, link: LinkId) -> Result<ClickCount, ClickError>;
}

/// Tallies that are recorded together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tallies(pub Vec<Tally>);

/// Clicks that are added together and once: those of one event, or of a batch that is always redelivered as a
/// whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The unique id; tallies are deduplicated by it.
    pub id: TallyId,
    /// The clicks of each link.
    pub counts: BTreeMap<LinkId, u32>,
}

/// An event: a link was followed once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clicked {
    /// The link.
    pub link: LinkId,
}

/// The tallies have been added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded;

/// The clicks of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClickCount {
    /// The number of clicks.
    pub clicks: u64,
}

/// The errors of clicks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ClickError {
    /// More than [`MAX_COUNTS`] in one call.
    #[error("a call carries at most {MAX_COUNTS} counts")]
    TooManyCounts,
    /// The component, or its backing, did not respond.
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
