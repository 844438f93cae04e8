//! The failures of a call between two components, in terms that every transport shares.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The kind of a failure: it decides what a caller may do next, and which status code the failure travels
/// under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request itself is wrong; a retry cannot succeed.
    Invalid,
    /// The requested item does not exist.
    NotFound,
    /// The requested item existed and does not exist any more.
    Gone,
    /// The request contradicts the current state.
    Conflict,
    /// The callee could not be reached, or sent no response in time.
    Unavailable,
}

/// The callee sent no response that its contract defines: it could not be reached, was too slow, refused the
/// work, or the two sides disagree about the contract.
///
/// The caller does not know whether the call had an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("`{service}` {why}")]
pub struct Unavailable {
    /// The component or backing that failed: `links`, `database`.
    pub service: String,
    /// The reason.
    pub why: Why,
}

/// The reason why a callee sent no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The connection could not be made, or it broke.
    #[error("cannot be reached")]
    Unreachable,
    /// The deadline passed before the response arrived.
    #[error("did not answer in time")]
    TimedOut,
    /// The callee refused the call because it is at a limit.
    #[error("is overloaded")]
    Overloaded,
    /// The caller's own protection rejected the call: a circuit breaker is open, or as many calls as it allows
    /// are in flight. The callee was not called.
    #[error("was not called, to spare it")]
    Rejected,
    /// The two sides do not speak the same contract: a bug in one of them, which a retry cannot mend.
    #[error("and its caller do not understand each other")]
    Misunderstood,
    /// The callee failed while it processed the call.
    #[error("failed inside")]
    Broken,
}

impl Why {
    /// Whether a retry may succeed: 503 or 504 at the edge. `Misunderstood` is a bug in one of the two sides: 500.
    pub const fn is_transient(self) -> bool {
        !matches!(self, Self::Misunderstood)
    }
}

impl Unavailable {
    /// Names the callee and the reason.
    pub fn new(service: impl Into<String>, why: Why) -> Self {
        Self { service: service.into(), why }
    }
}

/// An error that crosses a process boundary and arrives as the same Rust value.
pub trait RemoteError:
    Serialize + DeserializeOwned + std::error::Error + From<Unavailable> + Send + Sync + 'static
{
    /// The kind of this failure; transports choose their status codes by it.
    fn kind(&self) -> Kind;
}
