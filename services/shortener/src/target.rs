//! Where a short link leads.

use serde::{Deserialize, Serialize};
use url::Url;

/// A target. Invariant: an absolute `http` or `https` URL with a host, at most 2,048 bytes, kept as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Target(String);

/// Why a text is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Longer than a target may be.
    #[error("a target is at most {} bytes", Target::MAX_BYTES)]
    TooLong,
    /// Not a URL, or one without a host.
    #[error("a target is an absolute URL with a host")]
    NotAUrl,
    /// A scheme other than http and https.
    #[error("a target's scheme is `http` or `https`")]
    OtherScheme,
    /// A character that may not stand in a header.
    #[error("a target has only visible ASCII characters; percent-encode others")]
    NotAscii,
}

impl Target {
    /// The longest target: what browsers and proxies take without trouble.
    pub const MAX_BYTES: usize = 2_048;

    /// Reads a target.
    pub fn parse(text: impl Into<String>) -> Result<Self, TargetError> {
        let text = text.into();
        fits_a_header(&text)?;
        let url = Url::parse(&text).map_err(|_| TargetError::NotAUrl)?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(Self(text)),
            "http" | "https" => Err(TargetError::NotAUrl),
            _ => Err(TargetError::OtherScheme),
        }
    }

    /// Takes a text that was a target when it was stored.
    ///
    /// Parsing a URL costs more than reading it from a store: what a store holds was parsed when it came in.
    pub fn from_store(text: String) -> Self {
        Self(text)
    }

    /// Whether it leads to this host, given as in a `Host` header.
    pub fn leads_to(&self, host: &str) -> bool {
        let Ok(url) = Url::parse(&self.0) else { return false };
        let Ok(other) = Url::parse(&format!("{}://{host}", url.scheme())) else { return false };
        url.host() == other.host() && url.port_or_known_default() == other.port_or_known_default()
    }

    /// The target's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// It is sent back as the `Location` header, as it was given.
fn fits_a_header(text: &str) -> Result<(), TargetError> {
    if text.len() > Target::MAX_BYTES {
        return Err(TargetError::TooLong);
    }
    if text.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(()) } else { Err(TargetError::NotAscii) }
}

/// Takes a target from a peer: what one process takes for a target is one for every other.
impl TryFrom<String> for Target {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Self, TargetError> {
        Self::parse(text)
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_web_is_a_target() {
        assert!(Target::parse("https://example.com/a?b=c#d").is_ok());
        assert_eq!(Target::parse("javascript:alert(1)"), Err(TargetError::OtherScheme));
        assert_eq!(Target::parse("ftp://example.com"), Err(TargetError::OtherScheme));
        assert_eq!(Target::parse("example.com"), Err(TargetError::NotAUrl));
        assert_eq!(Target::parse("https://"), Err(TargetError::NotAUrl));
        assert_eq!(Target::parse("https://example.com/\r\nSet-Cookie:x"), Err(TargetError::NotAscii));
        let long = format!("https://example.com/{}", "x".repeat(2_048));
        assert_eq!(Target::parse(long), Err(TargetError::TooLong));
    }

    #[test]
    fn a_link_to_the_shortener_is_recognised_by_host_and_port() {
        let target = Target::parse("http://SHORT.example/abc").unwrap();
        assert!(target.leads_to("short.example"));
        assert!(target.leads_to("short.example:80"));
        assert!(!target.leads_to("short.example:8080"));
        assert!(!target.leads_to("example"));
    }
}
