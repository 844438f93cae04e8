//! The port of the scarce thing that a component waits for.

use async_trait::async_trait;

/// A fixed number of workers, each with one piece of work at a time.
///
/// An implementation MUST bound how much work waits, and say so with [`Full`].
#[async_trait]
pub trait Crew: Send + Sync {
    /// Ends when a worker has done one piece of work for the caller.
    async fn work(&self) -> Result<(), Full>;
}

/// No worker is free, and no more work may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("every worker is busy, and no more work may wait")]
pub struct Full;
