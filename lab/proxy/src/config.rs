//! What a proxy is started with.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

/// The most links of one proxy.
const MAX_LINKS: usize = 256;

/// What a proxy serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address of the admin API, on loopback; without one there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<SocketAddr>,
    /// The limits of each link.
    #[serde(default)]
    pub limits: Limits,
    /// The links.
    pub links: Vec<LinkConfig>,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkConfig {
    /// Its name, unique in the proxy: `gateway -> links`.
    pub name: String,
    /// Where clients connect; port 0 for a free one.
    pub listen: SocketAddr,
    /// Where their connections lead.
    pub upstream: SocketAddr,
}

/// The limits of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections that are open at once; further ones wait in the kernel's backlog.
    pub connections: usize,
    /// Bytes that a direction of a connection holds in its delay line. With latency it carries at most so many bytes in
    /// that time, as a TCP connection with this window does.
    pub line_bytes: usize,
    /// How long the upstream may take to accept a connection, milliseconds.
    pub connect_within_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 4096, line_bytes: 256 * 1024, connect_within_ms: 5000 }
    }
}

impl Limits {
    pub(crate) fn connect_within(&self) -> Duration {
        Duration::from_millis(self.connect_within_ms)
    }
}

/// Why a configuration cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// An admin API that others could reach.
    #[error(
        "the admin API may listen on loopback only, and `{0}` is not\nhint: whoever reaches it can break the links; say `127.0.0.1`"
    )]
    AdminBeyondLoopback(SocketAddr),
    /// Two links with one name.
    #[error("two links are called `{0}`")]
    Repeated(String),
    /// More links than a proxy serves.
    #[error("{0} links: a proxy serves at most {MAX_LINKS}")]
    TooMany(usize),
    /// A limit of zero.
    #[error("`{0}` is 0: nothing could pass\nhint: leave it out for its default")]
    Zero(&'static str),
}

impl Config {
    /// Validates it.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if let Some(admin) = self.admin.filter(|admin| !admin.ip().is_loopback()) {
            return Err(ConfigError::AdminBeyondLoopback(admin));
        }
        if self.links.len() > MAX_LINKS {
            return Err(ConfigError::TooMany(self.links.len()));
        }
        let mut names = BTreeSet::new();
        if let Some(link) = self.links.iter().find(|link| !names.insert(&link.name)) {
            return Err(ConfigError::Repeated(link.name.clone()));
        }
        let Limits { connections, line_bytes, connect_within_ms } = self.limits;
        let is_zero = [
            ("connections", connections == 0),
            ("line_bytes", line_bytes == 0),
            ("connect_within_ms", connect_within_ms == 0),
        ];
        is_zero
            .into_iter()
            .find(|(_, is_zero)| *is_zero)
            .map_or(Ok(()), |(name, _)| Err(ConfigError::Zero(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> Config {
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    const LINK: &str = r#"{"name":"a -> b","listen":"127.0.0.1:0","upstream":"127.0.0.1:1"}"#;

    #[test]
    fn limits_have_defaults_and_an_unknown_key_is_not_read() {
        let read = config(&format!(r#"{{"links":[{LINK}],"limits":{{"connections":7}}}}"#));
        assert_eq!(read.limits, Limits { connections: 7, ..Limits::default() });
        assert_eq!(read.validate(), Ok(()));
        assert!(serde_json::from_str::<Config>(r#"{"links":[],"link":[]}"#).is_err());
    }

    #[test]
    fn what_cannot_be_served_is_refused() {
        let refused = |json: &str| config(json).validate().unwrap_err();
        let beyond = refused(r#"{"admin":"0.0.0.0:0","links":[]}"#);
        assert!(
            matches!(beyond, ConfigError::AdminBeyondLoopback(_)) && beyond.to_string().contains("hint:")
        );
        assert_eq!(
            refused(&format!(r#"{{"links":[{LINK},{LINK}]}}"#)),
            ConfigError::Repeated("a -> b".into())
        );
        let still = refused(r#"{"links":[],"limits":{"line_bytes":0}}"#);
        assert_eq!(still, ConfigError::Zero("line_bytes"));
    }
}
