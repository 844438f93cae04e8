//! The contract of the component `reviews`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

/// Gives what readers said of a page: useful beside it, and not needed for it.
#[async_trait]
pub trait Reviews: Send + Sync {
    /// The review of a page. The same page has the same review.
    async fn of(&self, page: PageKey) -> Result<Review, ReviewError>;
}

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PageKey {
    /// Its number.
    pub page: u64,
}

/// What readers said of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The page.
    pub page: u64,
    /// How many of five stars it got: a function of the page.
    pub stars: u32,
}

/// The errors of reviews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ReviewError {
    /// The component did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for ReviewError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
