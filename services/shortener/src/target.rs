//! The target of a short link.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Authority;

/// A target. Invariant: an absolute `http` or `https` URL with a host, in normal form.
///
/// The normal form is the serialisation of the WHATWG URL Standard, as a browser computes it: scheme and host
/// in lower case, no default port, and a path that is at least `/` and has no dot segments. Percent-encoding
/// is never added.
/// Only this form is stored, hashed, shown and sent, so that nobody reads a link differently than the code
/// that validated it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Target(String);

/// The reasons why a text is not a valid target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Longer than [`Target::MAX_BYTES`].
    #[error("a target is at most {} bytes", Target::MAX_BYTES)]
    TooLong,
    /// Not an absolute URL.
    #[error("a target is an absolute URL with a host, as `https://example.com/path`")]
    NotAUrl,
    /// A scheme other than http and https.
    #[error("a target's scheme is `http` or `https`")]
    OtherScheme,
    /// A character that is not allowed in a header field.
    #[error(
        "a target has only visible ASCII characters; percent-encode others, and write a host's name in punycode"
    )]
    NotAscii,
    /// A character that browsers would percent-encode or replace.
    #[error(
        "a target is percent-encoded where it has to be: in its path `\"<>\\^`{{}}`, in its query `\"<>'`, in its fragment `\"<>``"
    )]
    NotEncoded,
    /// A user name or a password.
    #[error("a target has no user name or password: everybody who follows the link would see them")]
    WithCredentials,
    /// An invalid host or port, or one that parsers read differently.
    #[error(
        "a target's host is a name, or an address as `192.0.2.1` or `[2001:db8::1]`; its port is at most 65535"
    )]
    OtherHost,
}

/// A decimal octet of an IPv4 address.
macro_rules! octet {
    () => {
        "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    };
}

/// The last label of a name. Not a decimal or hexadecimal number, which a browser would read as an IPv4
/// address.
macro_rules! last_label {
    () => {
        "(?:[0-9]*[A-WYZa-wyz_-][0-9A-Za-z_-]*|[Xx][0-9A-Za-z_-]*|(?:[1-9][0-9]*|0[0-9]+)[Xx][0-9A-Za-z_-]*|0[Xx][0-9A-Fa-f]*[G-Zg-z_-][0-9A-Za-z_-]*)"
    };
}

/// Sixteen bits of an IPv6 address.
macro_rules! group {
    () => {
        "[0-9A-Fa-f]{1,4}"
    };
}

/// An IPv6 address: all eight groups, or at least two left out for `::` (RFC 5952, 4.2.2), after so many and before so many.
#[rustfmt::skip]
macro_rules! ipv6 {
    () => {
        concat!(
            "(?:", group!(), ":){7}", group!(),
            "|(?:", group!(), ":){1,6}:",
            "|(?:", group!(), ":){1,5}:", group!(),
            "|(?:", group!(), ":){1,4}(?::", group!(), "){1,2}",
            "|(?:", group!(), ":){1,3}(?::", group!(), "){1,3}",
            "|(?:", group!(), ":){1,2}(?::", group!(), "){1,4}",
            "|", group!(), ":(?::", group!(), "){1,5}",
            "|:(?:(?::", group!(), "){1,6}|:)",
        )
    };
}

impl Target {
    /// The longest accepted text, in bytes: what browsers and proxies handle. The normal form may add a path
    /// of `/`, and nothing else.
    pub const MAX_BYTES: usize = 2_048;

    /// The pattern of a target, used in the description of the public API and checked here.
    ///
    /// It is stricter than browsers, which repair input: each host has exactly one accepted spelling.
    /// One kind of text matches and is still refused: a label that begins with `xn--` and is not valid
    /// punycode.
    #[rustfmt::skip]
    pub const PATTERN: &'static str = concat!(
        "^[Hh][Tt][Tt][Pp][Ss]?://",
        "(?:(?:", octet!(), "\\.){3}", octet!(),
        "|(?:[0-9A-Za-z_-]+\\.)*", last_label!(), "\\.?",
        "|\\[(?:", ipv6!(), ")\\])",
        "(?::(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4}))?",
        "(?:/[!$-;=@-\\[\\]_a-z|~]*)?(?:\\?[!$-&(-;=?-~]*)?(?:#[!#-;=?-_a-~]*)?$",
    );

    /// Parses a target into its normal form.
    pub fn parse(text: impl AsRef<str>) -> Result<Self, TargetError> {
        static PATTERN: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(Target::PATTERN).expect("the pattern is one"));
        let text = text.as_ref();
        fits_a_header(text, Self::MAX_BYTES)?;
        let url = Url::parse(text);
        if url.as_ref().is_ok_and(|url| !matches!(url.scheme(), "http" | "https")) {
            return Err(TargetError::OtherScheme);
        }
        // The parser takes `http:host` as absolute; a browser that follows the short link takes it as
        // relative.
        let origin = origin(text).ok_or(TargetError::NotAUrl)?;
        if origin.contains('@') {
            return Err(TargetError::WithCredentials);
        }
        let url = url.map_err(|_| TargetError::OtherHost)?;
        match PATTERN.is_match(text) {
            true => Ok(Self(url.into())),
            false if PATTERN.is_match(origin) => Err(TargetError::NotEncoded),
            false => Err(TargetError::OtherHost),
        }
    }

    /// The host and port of the target.
    pub fn authority(&self) -> Option<Authority> {
        Authority::parse(origin(&self.0)?.split_once("://")?.1)
    }

    /// The target as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The part before the path: `http://example.com:8080`.
fn origin(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    is_web.then_some(&text[..text.len() - rest.len() + end])
}

/// Checks that the text fits into the `Location` header.
fn fits_a_header(text: &str, at_most: usize) -> Result<(), TargetError> {
    if text.len() > at_most {
        return Err(TargetError::TooLong);
    }
    if text.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(()) } else { Err(TargetError::NotAscii) }
}

/// Converts a target from a peer or a store, which is in normal form, without parsing it again: that would
/// cost more than reading it. A text from an older version that does not begin like the normal form is
/// parsed.
impl TryFrom<String> for Target {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Self, TargetError> {
        if !(text.starts_with("http://") || text.starts_with("https://")) {
            return Self::parse(&text);
        }
        fits_a_header(&text, Self::MAX_BYTES + "/".len())?;
        Ok(Self(text))
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.0
    }
}

#[cfg(test)]
mod tests;
