//! What the limiter needs of the world; `limiter-app` has the adapters.

use async_trait::async_trait;
use contract::Unavailable;

use crate::{Policy, PolicySet};

/// Keeps the policies, all of them under one version.
///
/// An adapter MUST put a set in place as a whole or not at all,
/// and MUST NOT let two writers replace the same version.
#[async_trait]
pub trait PolicyStore: Send + Sync {
    /// The policies that are stored; none, with version 0, before the first.
    async fn load(&self) -> Result<PolicySet, Unavailable>;

    /// Stores these policies if the stored version is still `replaced`.
    async fn store(&self, policies: &PolicySet, replaced: u64) -> Result<Stored, Unavailable>;

    /// Stores these policies in place of any, under the version after it; that version.
    async fn store_over_any(&self, policies: &[Policy]) -> Result<u64, Unavailable>;
}

/// What became of an attempt to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// The policies are stored.
    Stored,
    /// Another version is stored; nothing was changed.
    Changed,
}
