//! What can go wrong between two components, in words that every transport shares.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The kind of a failure: what a caller may do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request itself is wrong; sending it again cannot help.
    Invalid,
    /// What it asks for does not exist.
    NotFound,
    /// What it asks for existed and does not any more.
    Gone,
    /// It contradicts what is already there.
    Conflict,
    /// The callee could not be reached, or could not answer in time.
    Unavailable,
}

/// The callee gave no answer of its contract: it could not be reached, was too slow, is in no state to, or the two sides
/// do not understand each other.
///
/// The caller does not know whether the call had an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("`{service}` {why}")]
pub struct Unavailable {
    /// Which component or backing.
    pub service: String,
    /// Why.
    pub why: Why,
}

/// Why a callee did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// No connection, or it broke.
    #[error("cannot be reached")]
    Unreachable,
    /// No answer within the deadline.
    #[error("did not answer in time")]
    TimedOut,
    /// It refused work because it has too much.
    #[error("is overloaded")]
    Overloaded,
    /// The two sides do not speak the same contract: a fault of this system's, which no repetition mends.
    #[error("and its caller do not understand each other")]
    Misunderstood,
    /// It failed inside.
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
    /// Says which callee and why.
    pub fn new(service: impl Into<String>, why: Why) -> Self {
        Self { service: service.into(), why }
    }
}

/// An error that can cross a process boundary and arrive as the same Rust value.
pub trait RemoteError:
    Serialize + DeserializeOwned + std::error::Error + From<Unavailable> + Send + Sync + 'static
{
    /// What a caller may do about it; transports choose their status codes by this.
    fn kind(&self) -> Kind;
}
