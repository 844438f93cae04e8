//! The limiter's ports; `limiter-app` has the adapters.

use async_trait::async_trait;
use contract::Unavailable;

use crate::{Policy, PolicySet};

/// Stores the policies under one version.
///
/// An adapter MUST store a set as a whole or not at all,
/// and MUST NOT let two writers replace the same version.
#[async_trait]
pub trait PolicyStore: Send + Sync {
    /// The stored policies; an empty set of version 0 before the first.
    async fn load(&self) -> Result<PolicySet, Unavailable>;

    /// Stores these policies if the stored version is still `replaced` (compare-and-set).
    async fn store(&self, policies: &PolicySet, replaced: u64) -> Result<Stored, Unavailable>;

    /// Stores these policies unconditionally under the next version; returns that version.
    async fn store_over_any(&self, policies: &[Policy]) -> Result<u64, Unavailable>;
}

/// The result of an attempt to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// The policies are stored.
    Stored,
    /// The stored version is another one; nothing changed.
    Changed,
}
