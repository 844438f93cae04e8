//! One process's part of a wiring, as the file that it is started with and that a person can read.

use core::net::{IpAddr, SocketAddr};
use std::{collections::BTreeMap, path::PathBuf, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use url::Url;

/// What a process is told: `lab host FILE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessConfig {
    /// The system: `shortener`.
    pub system: String,
    /// The process's name in its placement: `gateway`.
    pub process: String,
    /// Where the public API is served, if this process hosts the edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<SocketAddr>,
    /// The URLs by which the public knows this API: `https://short.example`. What it listens on need not be among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public_urls: Vec<PublicUrl>,
    /// Where components, `/health/...` and `/metrics` are served; never shown to the public.
    pub internal: SocketAddr,
    /// The processors that this process may use; empty: all. Its worker threads are as many.
    #[serde(default)]
    pub cpus: Vec<usize>,
    /// Where spans go by OTLP over gRPC: `http://127.0.0.1:4317`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traces: Option<String>,
    /// From which address, beside its own machine's, the process may be told to fail requests: the lab's, where the process
    /// is in a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults_from: Option<IpAddr>,
    /// A folder of the process's own for what it needs to put on disk.
    pub scratch: PathBuf,
    /// A value for every axis.
    pub axes: BTreeMap<String, String>,
    /// For each component that another process hosts: `HOST:PORT` of the internal server of each replica.
    #[serde(default)]
    pub peers: BTreeMap<String, Vec<String>>,
    /// For each role: the address of the store or broker, as `sqlite:PATH`, `postgres://...`, `kafka://HOST:PORT`,
    /// `redis://[:PASSWORD@]HOST:PORT[/DB][#PREFIX]` (keys begin with the prefix, so that arms may share a server),
    /// `http://HOST:PORT/#URL` of a payment provider (which reaches this wiring's public API at that URL).
    #[serde(default)]
    pub backings: BTreeMap<String, String>,
    /// Limits.
    #[serde(default)]
    pub limits: Limits,
}

/// A URL by which the public knows an API. Invariant: `http` or `https`, a host, perhaps a port, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicUrl(Url);

/// Why a text is no public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a public URL is `http` or `https`, a host, and perhaps a port")]
pub struct PublicUrlError;

impl PublicUrl {
    /// The URL, which ends with the path `/`.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let url = Url::parse(text).map_err(|_| PublicUrlError)?;
        let is_web = matches!(url.scheme(), "http" | "https") && text.contains("://");
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        if is_web && bare && anonymous { Ok(Self(url)) } else { Err(PublicUrlError) }
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = PublicUrlError;

    fn try_from(text: String) -> Result<Self, PublicUrlError> {
        text.parse()
    }
}

impl From<PublicUrl> for String {
    fn from(url: PublicUrl) -> Self {
        url.0.into()
    }
}

/// How long background tasks may take after the last request before they are cut off.
pub const BACKGROUND_WITHIN: Duration = Duration::from_secs(5);

/// How long the export of the last spans may take after that.
pub const FLUSH_WITHIN: Duration = Duration::from_secs(1);

/// How long a process may take to exit after its last reply: background tasks, then spans.
pub const EXIT_WITHIN: Duration = BACKGROUND_WITHIN.saturating_add(FLUSH_WITHIN);

/// What a supervisor waits longer than a process may take: it may have to wait for a processor.
const GRACE_MARGIN: Duration = Duration::from_secs(3);

/// The limits of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections that a server accepts; further ones wait in the kernel's backlog.
    pub connections: usize,
    /// How old a connection becomes, milliseconds, give or take a tenth: then its client is told to make another one, so
    /// that replicas which came later get their share. What it does not read within a grace, the longer of `drain_ms` and
    /// `request_ms`, is cut off. 0: it becomes as old as its client likes.
    pub connection_age_ms: u64,
    /// Requests in flight; a further one is refused with 503, and one of a low class earlier.
    pub in_flight: usize,
    /// The deadline that a request gets at the edge, milliseconds.
    pub request_ms: u64,
    /// The limit of one attempt at a remote call, milliseconds.
    pub attempt_ms: u64,
    /// Calls to one callee that may be in flight, where the preset has a bulkhead.
    #[serde(skip_serializing_if = "is_usual_bulkhead")]
    pub bulkhead: usize,
    /// How long a Redis server may take to answer, milliseconds.
    pub redis_ms: u64,
    /// How long a stopping process is a lame duck, milliseconds: not ready, but answering as before, while each reply
    /// tells its client to go elsewhere. 0 where nobody sends requests elsewhere.
    pub lame_duck_ms: u64,
    /// How long it then waits for requests under way, milliseconds.
    pub drain_ms: u64,
}

/// A quarter of the requests in flight, so that one callee cannot hold them all.
const BULKHEAD: usize = 128;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes every field by reference")]
fn is_usual_bulkhead(calls: &usize) -> bool {
    *calls == BULKHEAD
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            connection_age_ms: 300_000,
            in_flight: 512,
            request_ms: 2_000,
            attempt_ms: 1_000,
            bulkhead: BULKHEAD,
            redis_ms: 50,
            lame_duck_ms: 0,
            drain_ms: 5_000,
        }
    }
}

impl Limits {
    /// The deadline that a request gets at the edge.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_ms)
    }

    /// How old a connection becomes, if that is limited.
    pub fn connection_age(&self) -> Option<Duration> {
        (self.connection_age_ms > 0).then(|| Duration::from_millis(self.connection_age_ms))
    }

    /// How long a stopping process is a lame duck.
    pub fn lame_duck(&self) -> Duration {
        Duration::from_millis(self.lame_duck_ms)
    }

    /// How long it then waits for requests under way.
    pub fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }

    /// How long a process may take to end, from the order to stop to its last reply.
    pub fn ending(&self) -> Duration {
        self.lame_duck() + self.drain()
    }

    /// How long whoever stops a process should wait before killing it: until its last reply, for what it does after that,
    /// and a margin.
    pub fn grace(&self) -> Duration {
        self.ending() + EXIT_WITHIN + GRACE_MARGIN
    }

    /// How long a Redis server may take to answer.
    pub fn redis(&self) -> Duration {
        Duration::from_millis(self.redis_ms)
    }
}

impl ProcessConfig {
    /// The process configuration of this text; the error says where it is malformed and what was expected.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a process configuration holds only tables, strings and numbers")
    }
}
