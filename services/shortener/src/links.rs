//! The contract of the component `links`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Timestamp, Unavailable, is_visible, texts};
use serde::{Deserialize, Serialize};

use crate::{Code, LinkId, Target};

/// Turns long URLs into short codes, and codes back into URLs.
#[async_trait]
pub trait Links: Send + Sync {
    /// Stores a link and returns it with the code that now leads to it.
    ///
    /// Idempotent by its key: the same request again returns the same link.
    async fn shorten(&self, request: Shorten) -> Result<Link, LinkError>;

    /// The link with this code, unless it has expired. Idempotent.
    async fn resolve(&self, code: Code) -> Result<Link, LinkError>;

    /// Removes the link with this code, if there is one. Idempotent.
    async fn remove(&self, code: Code) -> Result<Removed, LinkError>;
}

/// A request to shorten a URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shorten {
    /// The URL.
    pub target: Target,
    /// The requested code; `None` for a generated one.
    pub alias: Option<Code>,
    /// The time of expiry; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// The idempotency key.
    pub key: RequestKey,
}

/// A short link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Distinguishes the link from every other one that has or had its code.
    pub id: LinkId,
    /// Its code.
    pub code: Code,
    /// The URL that it leads to.
    pub target: Target,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of expiry; `None` for never.
    pub expires_at: Option<Timestamp>,
}

impl Link {
    /// Whether the link has expired at `now`.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// The code has no link now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed;

texts! {
    /// An idempotency key, by which a client can retry a request safely. Invariant: 1 to 128 visible ASCII characters.
    ///
    /// The header `Idempotency-Key` of draft-ietf-httpapi-idempotency-key-header.
    RequestKey or RequestKeyError: at most 128 of is_visible, "^[!-~]{1,128}$",
        "an idempotency key is 1 to 128 visible ASCII characters";
}

/// The errors of links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum LinkError {
    /// The requested code is a path of the public API.
    #[error("the alias `{alias}` is reserved")]
    AliasReserved {
        /// The requested code.
        alias: Code,
    },
    /// The expiry is not in the future.
    #[error("a link cannot expire in the past")]
    ExpiryInThePast,
    /// Another link has the requested code.
    #[error("the alias `{alias}` is taken")]
    AliasTaken {
        /// The requested code.
        alias: Code,
    },
    /// The key was used for a different request.
    #[error("this idempotency key was used for a different request")]
    KeyReused,
    /// No link has the code.
    #[error("no link has the code `{code}`")]
    NotFound {
        /// The code.
        code: Code,
    },
    /// The link has expired.
    #[error("the link `{code}` has expired")]
    Expired {
        /// The code.
        code: Code,
    },
    /// The component, or its backing, did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for LinkError {
    fn kind(&self) -> Kind {
        match self {
            Self::AliasReserved { .. } | Self::ExpiryInThePast => Kind::Invalid,
            Self::AliasTaken { .. } | Self::KeyReused => Kind::Conflict,
            Self::NotFound { .. } => Kind::NotFound,
            Self::Expired { .. } => Kind::Gone,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_is_what_is_taken() {
        let pattern = regex::Regex::new(RequestKey::PATTERN).unwrap();
        let longest = "x".repeat(RequestKey::MAX_CHARS);
        for text in
            ["", "a", "!", "~", " ", "a b", "a\n", "\u{7f}", "\u{e4}", &longest, &format!("{longest}x")]
        {
            assert_eq!(pattern.is_match(text), RequestKey::parse(text).is_ok(), "{text:?}");
        }
    }
}
