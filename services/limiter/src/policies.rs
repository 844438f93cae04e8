//! The contract of the component `policies`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{Limit, LimitError};

/// Policies of one set.
pub const MAX_POLICIES: usize = 16;
/// Limits of one policy.
pub const MAX_LIMITS: usize = 4;
/// Versions that a replacement may expect.
pub const MAX_EXPECTED: usize = 64;
/// Key values that one policy leaves alone.
pub const MAX_EXEMPT: usize = 1_000;
/// The longest of these, characters.
pub const MAX_EXEMPT_CHARS: usize = 256;

/// Keeps the policies.
#[async_trait]
pub trait Policies: Send + Sync {
    /// The policies in force, unless the caller knows them already. Idempotent.
    async fn current(&self, known: Known) -> Result<Option<PolicySet>, PolicyError>;

    /// Puts other policies in force, all at once. Idempotent: the same policies again change nothing.
    async fn replace(&self, replacement: Replacement) -> Result<PolicySet, PolicyError>;
}

/// The version that a caller has; 0 if it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The version.
    pub version: u64,
}

/// Policies that are in force together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySet {
    /// Grows with every change; 0 before the first.
    pub version: u64,
    /// At most [`MAX_POLICIES`], each name once.
    pub policies: Vec<Policy>,
}

/// Other policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// They replace one of these versions and no other, at most [`MAX_EXPECTED`]; `None`: whatever is in force.
    pub expected: Option<Vec<u64>>,
    /// The policies.
    pub policies: Vec<Policy>,
}

/// Who is limited, and how far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Unique in its set: 1 to 64 characters of `[0-9a-z-]`.
    pub name: String,
    /// What tells one client from another.
    pub key: KeySource,
    /// All of them apply: 1 to [`MAX_LIMITS`].
    pub limits: Vec<Limit>,
    /// Key values that this policy leaves alone: at most [`MAX_EXEMPT`], each of which can be a client's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exempt: Vec<String>,
    /// Whether it refuses, or only counts what it would refuse.
    #[serde(default)]
    pub mode: Mode,
}

/// What tells one client from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeySource {
    /// The address that the request came from: of IPv6 its network of [`IPV6_PREFIX`](crate::IPV6_PREFIX) bits.
    Address,
    /// The same with another prefix of IPv6, 1 to 128.
    #[serde(rename = "ipv6_prefix")]
    Ipv6Prefix(u8),
    /// The bearer token of the request.
    Token,
    /// A header of the request that begins with `x-`, by its name in lower case.
    Header(String),
    /// Nothing: all requests share one count.
    Everyone,
}

/// Whether a policy refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// What is over a limit is refused.
    #[default]
    Enforce,
    /// A dry run: what is over a limit passes, and is counted as what would have been refused.
    Count,
}

impl KeySource {
    /// The name of the [`Fact`](crate::Fact) that holds the key: `address`, `token`, `header:x-api-key`; none for
    /// [`KeySource::Everyone`].
    pub fn fact(&self) -> Option<String> {
        match self {
            Self::Address | Self::Ipv6Prefix(_) => Some("address".to_owned()),
            Self::Token => Some("token".to_owned()),
            Self::Header(name) => Some(format!("header:{name}")),
            Self::Everyone => None,
        }
    }
}

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyFault {
    /// More than [`MAX_POLICIES`].
    #[error("there are at most {MAX_POLICIES} policies")]
    TooManyPolicies,
    /// A name that is none.
    #[error("a policy's name is 1 to 64 characters of `0-9`, `a-z` and `-`")]
    Name,
    /// Two policies of one name.
    #[error("the name is used twice")]
    NameUsedTwice,
    /// No limit, or more than [`MAX_LIMITS`].
    #[error("a policy has 1 to {MAX_LIMITS} limits")]
    Limits,
    /// More than [`MAX_EXEMPT`], or one that is too long.
    #[error("a policy exempts at most {MAX_EXEMPT} keys, each of at most {MAX_EXEMPT_CHARS} characters")]
    Exempt,
    /// An exempt value that can be nobody's.
    #[error(
        "an exempt value can be nobody's: where the key is an address, each is an address or an IPv6 network of exactly \
         the policy's prefix, such as `2001:db8::/64` (an `ipv6_prefix` of 64); where it is `\"everyone\"`, there is none"
    )]
    ExemptNobody,
    /// A header that no request is known by.
    #[error(
        "a header that can be a key is `x-` and 1 to 62 characters of `0-9`, `a-z` and `-`; a key is `\"address\"`, \
         `{{\"ipv6_prefix\": 64}}`, `\"token\"`, `\"everyone\"` or `{{\"header\": \"x-...\"}}`"
    )]
    Header,
    /// A prefix that no address has.
    #[error("an `ipv6_prefix` is 1 to 128")]
    Prefix,
    /// A limit that cannot be.
    #[error(transparent)]
    Limit(LimitError),
}

/// What can go wrong with policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum PolicyError {
    /// One of the policies cannot be.
    #[error("the policy `{policy}`: {fault}")]
    Invalid {
        /// Its name.
        policy: String,
        /// What is wrong with it.
        fault: PolicyFault,
    },
    /// Somebody else was faster.
    #[error("version {current} is in force, and none that was expected")]
    Changed {
        /// The version in force.
        current: u64,
    },
    /// More than [`MAX_EXPECTED`].
    #[error("a replacement expects at most {MAX_EXPECTED} versions")]
    TooManyExpected,
    /// The component, or what it stands on, did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for PolicyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid { .. } | Self::TooManyExpected => Kind::Invalid,
            Self::Changed { .. } => Kind::Conflict,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
