//! The failure of one attempt, as the layers see it.

use std::time::Duration;

use contract::{Unavailable, Why};

/// An attempt that ended without a reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{unavailable}")]
pub struct Failure {
    /// The error that the caller receives.
    pub unavailable: Unavailable,
    /// Whether the callee may have processed the call. If not, a retry is safe for every method.
    pub may_be_processed: bool,
    /// The time that the callee asked its caller to wait (`Retry-After`, RFC 9110, 10.2.3).
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure of which it is certain that the callee did not process the call.
    pub const fn not_processed(unavailable: Unavailable) -> Self {
        Self { unavailable, may_be_processed: false, retry_after: None }
    }

    /// A call that a layer of the caller rejected: it was not sent.
    pub fn rejected(service: &'static str) -> Self {
        Self::not_processed(Unavailable::new(service, Why::Rejected))
    }

    /// Adds the time that the callee asked its caller to wait.
    #[must_use]
    pub const fn after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// Whether no connection could be made, or the connection broke.
    pub fn is_unreachable(&self) -> bool {
        self.unavailable.why == Why::Unreachable
    }

    /// Whether a layer of the caller rejected the call.
    pub fn is_rejected(&self) -> bool {
        self.unavailable.why == Why::Rejected
    }

    /// Whether it says that the callee is unhealthy. A call that was not sent says nothing, and a message that
    /// the callee refuses to read is a bug of one of the two: it was answered.
    pub fn is_of_the_callee(&self) -> bool {
        !matches!(self.unavailable.why, Why::Rejected | Why::Misunderstood)
    }
}

/// Without evidence to the contrary the callee may have processed the call.
impl From<Unavailable> for Failure {
    fn from(unavailable: Unavailable) -> Self {
        Self { unavailable, may_be_processed: true, retry_after: None }
    }
}
