//! The contract of the components `front`, `middle` and `back`: each gives parts, and only `back` makes them.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

/// The most parts of a page.
pub const MAX_PARTS: u32 = 1_000;

/// Gives the parts of pages.
#[async_trait]
pub trait Parts: Send + Sync {
    /// A part that a reader waits for. The same key gives the same part.
    async fn read(&self, key: PartKey) -> Result<Part, PartError>;

    /// The same for a preview, which nobody waits for.
    async fn preview(&self, key: PartKey) -> Result<Part, PartError>;
}

/// Which part of which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PartKey {
    /// The page.
    pub page: u64,
    /// The number of the part within its page, from 1 to [`MAX_PARTS`].
    pub number: u32,
}

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which it is.
    pub key: PartKey,
    /// What it says: a function of its key.
    pub text: String,
}

/// The errors of parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum PartError {
    /// There is no part with this number on any page.
    #[error("a part has a number from 1 to {MAX_PARTS}, and not {number}")]
    NoSuchPart {
        /// The number.
        number: u32,
    },
    /// A component did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for PartError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoSuchPart { .. } => Kind::Invalid,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
