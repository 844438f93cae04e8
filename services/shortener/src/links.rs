//! The contract of the component `links`: everything a caller needs, and nothing else.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Timestamp, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{Code, LinkId, Target};

/// Turns long URLs into short codes, and codes back into URLs.
#[async_trait]
pub trait Links: Send + Sync {
    /// Stores a link and returns it with the code that now leads to it.
    ///
    /// Idempotent by its key: the same request again returns the same link.
    async fn shorten(&self, request: Shorten) -> Result<Link, LinkError>;

    /// The link behind a code, unless it has expired. Idempotent.
    async fn resolve(&self, code: Code) -> Result<Link, LinkError>;

    /// Sees to it that the code leads nowhere. Idempotent: removing what is not there is done at once.
    async fn remove(&self, code: Code) -> Result<Removed, LinkError>;
}

/// What is to be shortened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shorten {
    /// Where the link shall lead.
    pub target: Target,
    /// The code that the user wishes for; without it one is made.
    pub alias: Option<Code>,
    /// From when on it shall lead nowhere.
    pub expires_at: Option<Timestamp>,
    /// What makes the request idempotent.
    pub key: RequestKey,
}

/// A short link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Tells it from every other link that has or had its code.
    pub id: LinkId,
    /// Its code.
    pub code: Code,
    /// Where it leads.
    pub target: Target,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it leads nowhere.
    pub expires_at: Option<Timestamp>,
}

impl Link {
    /// Whether it leads nowhere any more.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// The code leads nowhere now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed;

/// What a client names a request by, to repeat it safely. Invariant: 1 to 128 visible ASCII characters.
///
/// The header `Idempotency-Key` of draft-ietf-httpapi-idempotency-key-header.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct RequestKey(String);

/// Why a text is no request key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key is 1 to 128 visible ASCII characters")]
pub struct RequestKeyError;

impl RequestKey {
    /// The longest key.
    pub const MAX_LENGTH: usize = 128;

    /// What [`Self::parse`] takes.
    pub const PATTERN: &str = "^[!-~]{1,128}$";

    /// Reads a key.
    pub fn parse(text: impl Into<String>) -> Result<Self, RequestKeyError> {
        let text = text.into();
        let sound =
            (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if sound { Ok(Self(text)) } else { Err(RequestKeyError) }
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RequestKey {
    type Error = RequestKeyError;

    fn try_from(text: String) -> Result<Self, RequestKeyError> {
        Self::parse(text)
    }
}

impl From<RequestKey> for String {
    fn from(key: RequestKey) -> Self {
        key.0
    }
}

/// What can go wrong with a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum LinkError {
    /// The wish for a code that the shortener keeps for itself.
    #[error("the alias `{alias}` is reserved")]
    AliasReserved {
        /// The wish.
        alias: Code,
    },
    /// The expiry is not in the future.
    #[error("a link cannot expire in the past")]
    ExpiryInThePast,
    /// The wish for a code that another link has.
    #[error("the alias `{alias}` is taken")]
    AliasTaken {
        /// The wish.
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
    /// The component, or what it stands on, did not answer.
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
        let longest = "x".repeat(RequestKey::MAX_LENGTH);
        for text in
            ["", "a", "!", "~", " ", "a b", "a\n", "\u{7f}", "\u{e4}", &longest, &format!("{longest}x")]
        {
            assert_eq!(pattern.is_match(text), RequestKey::parse(text).is_ok(), "{text:?}");
        }
    }
}
