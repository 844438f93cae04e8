//! The contract of the component `policies`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{Limit, LimitError};

/// Policies of one set.
pub const MAX_POLICIES: usize = 16;
/// Limits of one policy.
pub const MAX_LIMITS: usize = 4;
/// Expected versions of one replacement.
pub const MAX_EXPECTED: usize = 64;
/// Exempt values of one policy.
pub const MAX_EXEMPT: usize = 1_000;
/// The longest exempt value, in characters.
pub const MAX_EXEMPT_CHARS: usize = 256;

/// Stores the policies.
#[async_trait]
pub trait Policies: Send + Sync {
    /// The current policies; `None` if the caller has this version already. Idempotent.
    async fn current(&self, known: Known) -> Result<Option<PolicySet>, PolicyError>;

    /// Replaces all policies at once. Idempotent: the same replacement again changes nothing.
    async fn replace(&self, replacement: Replacement) -> Result<PolicySet, PolicyError>;
}

/// The version that a caller has; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The version.
    pub version: u64,
}

/// Policies that apply together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySet {
    /// Increases with every change; 0 before the first.
    pub version: u64,
    /// At most [`MAX_POLICIES`], with distinct names.
    pub policies: Vec<Policy>,
}

/// A replacement of all policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// The versions that it may replace, at most [`MAX_EXPECTED`]; `None` for any.
    pub expected: Option<Vec<u64>>,
    /// The new policies.
    pub policies: Vec<Policy>,
}

/// A policy: its limits, and the key by which clients are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Unique in its set: 1 to 64 characters of `[0-9a-z-]`.
    pub name: String,
    /// What distinguishes clients.
    pub key: KeySource,
    /// The limits, 1 to [`MAX_LIMITS`]; all of them apply.
    pub limits: Vec<Limit>,
    /// Key values that the policy does not limit: at most [`MAX_EXEMPT`], each a possible client's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exempt: Vec<String>,
    /// Whether it refuses requests or only counts them.
    #[serde(default)]
    pub mode: Mode,
}

/// What distinguishes clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeySource {
    /// The address of the request's sender; for IPv6, its network of [`IPV6_PREFIX`](crate::IPV6_PREFIX)
    /// bits.
    Address,
    /// The address with another prefix length for IPv6, 1 to 128.
    #[serde(rename = "ipv6_prefix")]
    Ipv6Prefix(u8),
    /// The bearer token of the request.
    Token,
    /// A header of the request that begins with `x-`, by its name in lower case.
    Header(String),
    /// Nothing: all requests share one count.
    Everyone,
}

/// Whether a policy is enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Requests over a limit are refused.
    #[default]
    Enforce,
    /// A dry run: requests over a limit pass, and are counted as such.
    Count,
}

impl KeySource {
    /// The name of the [`Fact`](crate::Fact) that holds the key: `address`, `token`, `header:x-api-key`;
    /// `None` for [`KeySource::Everyone`].
    pub fn fact(&self) -> Option<String> {
        match self {
            Self::Address | Self::Ipv6Prefix(_) => Some("address".to_owned()),
            Self::Token => Some("token".to_owned()),
            Self::Header(name) => Some(format!("header:{name}")),
            Self::Everyone => None,
        }
    }
}

/// The reasons why a policy is invalid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyFault {
    /// More than [`MAX_POLICIES`].
    #[error("there are at most {MAX_POLICIES} policies")]
    TooManyPolicies,
    /// A malformed name.
    #[error("a policy's name is 1 to 64 characters of `0-9`, `a-z` and `-`")]
    Name,
    /// Two policies with the same name.
    #[error("the name is used twice")]
    NameUsedTwice,
    /// No limits, or more than [`MAX_LIMITS`].
    #[error("a policy has 1 to {MAX_LIMITS} limits")]
    Limits,
    /// More than [`MAX_EXEMPT`] exempt values, or one that is too long.
    #[error("a policy exempts at most {MAX_EXEMPT} keys, each of at most {MAX_EXEMPT_CHARS} characters")]
    Exempt,
    /// An exempt value that no client can have.
    #[error(
        "an exempt value can be nobody's: where the key is an address, each is an address or an IPv6 network of exactly \
         the policy's prefix, such as `2001:db8::/64` (an `ipv6_prefix` of 64); where it is `\"everyone\"`, there is none"
    )]
    ExemptNobody,
    /// A header that cannot be a key.
    #[error(
        "a header that can be a key is `x-` and 1 to 62 characters of `0-9`, `a-z` and `-`; a key is `\"address\"`, \
         `{{\"ipv6_prefix\": 64}}`, `\"token\"`, `\"everyone\"` or `{{\"header\": \"x-...\"}}`"
    )]
    Header,
    /// An impossible prefix length.
    #[error("an `ipv6_prefix` is 1 to 128")]
    Prefix,
    /// An invalid limit.
    #[error(transparent)]
    Limit(LimitError),
}

/// The errors of policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum PolicyError {
    /// A policy is invalid.
    #[error("the policy `{policy}`: {fault}")]
    Invalid {
        /// The policy's name.
        policy: String,
        /// The reason.
        fault: PolicyFault,
    },
    /// The current version is not an expected one: another writer was faster.
    #[error("version {current} is in force, and none that was expected")]
    Changed {
        /// The current version.
        current: u64,
    },
    /// More than [`MAX_EXPECTED`] versions.
    #[error("a replacement expects at most {MAX_EXPECTED} versions")]
    TooManyExpected,
    /// The component, or its backing, did not respond.
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
