//! The failure of one attempt, as the layers see it.

use contract::{Unavailable, Why};

/// An attempt that ended without a reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{unavailable}")]
pub struct Failure {
    /// The error that the caller receives.
    pub unavailable: Unavailable,
    /// Whether the callee may have processed the call. If not, a retry is safe for every method.
    pub may_be_processed: bool,
}

impl Failure {
    /// A failure of which it is certain that the callee did not process the call.
    pub const fn not_processed(unavailable: Unavailable) -> Self {
        Self { unavailable, may_be_processed: false }
    }

    /// Whether no connection could be made, or the connection broke.
    pub fn is_unreachable(&self) -> bool {
        self.unavailable.why == Why::Unreachable
    }
}

/// Without evidence to the contrary the callee may have processed the call.
impl From<Unavailable> for Failure {
    fn from(unavailable: Unavailable) -> Self {
        Self { unavailable, may_be_processed: true }
    }
}
