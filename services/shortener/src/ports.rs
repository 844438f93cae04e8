//! The shortener's ports; `shortener-app` has the adapters.

use async_trait::async_trait;
use contract::Unavailable;

use crate::{Code, Link, LinkId, RequestKey, Tally};

/// Stores links.
///
/// An adapter MUST NOT acknowledge an insert that a killed process could undo,
/// and MUST keep codes and keys unique under concurrent inserts.
#[async_trait]
pub trait LinkStore: Send + Sync {
    /// Stores a link, unless its key or its code exists already.
    async fn insert(&self, new: NewLink) -> Result<Inserted, Unavailable>;

    /// The link with this code, expired or not.
    async fn find(&self, code: &Code) -> Result<Option<Link>, Unavailable>;

    /// The link that a request with this key made, expired or not.
    async fn made_by(&self, key: &RequestKey) -> Result<Option<NewLink>, Unavailable>;

    /// Removes the link with this code, if there is one, and the record of the key that made it.
    async fn remove(&self, code: &Code) -> Result<(), Unavailable>;
}

/// A new link, with facts about the request that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    /// The link.
    pub link: Link,
    /// The request's key.
    pub key: RequestKey,
    /// Whether the request asked for this code.
    pub aliased: bool,
}

/// The result of an insert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The link is stored.
    Stored,
    /// The key made this link before; nothing was stored.
    Replayed(NewLink),
    /// Another link has the code; nothing was stored.
    CodeTaken,
}

/// Hands out numbers, each once, also to concurrent callers.
#[async_trait]
pub trait Numbers: Send + Sync {
    /// Reserves `count` numbers and returns the first of them.
    async fn reserve(&self, count: u64) -> Result<u64, Unavailable>;
}

/// Stores counts of clicks.
#[async_trait]
pub trait ClickStore: Send + Sync {
    /// Adds every tally whose id is new; all or none of them.
    async fn add(&self, tallies: &[Tally]) -> Result<(), Unavailable>;

    /// The clicks of a link; zero if it has none.
    async fn count(&self, link: LinkId) -> Result<u64, Unavailable>;
}
