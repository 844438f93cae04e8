//! Why an attempt has no reply, as the layers see it.

use contract::{Unavailable, Why};

/// An attempt brought no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{unavailable}")]
pub struct Failure {
    /// What the caller learns of it.
    pub unavailable: Unavailable,
    /// Whether the callee may have acted on it. If not, it may be sent again whatever it asks for.
    pub may_be_processed: bool,
}

impl Failure {
    /// Nobody acted on it.
    pub const fn not_processed(unavailable: Unavailable) -> Self {
        Self { unavailable, may_be_processed: false }
    }

    /// Whether the callee could not be reached, or the connection to it broke.
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
