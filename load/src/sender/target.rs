//! Where the load goes, and within what limits.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// One HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What reports call it.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// The value of the `Host` header.
    pub host: String,
}

/// Why a target cannot be driven.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Not a URL that the sender can drive.
    #[error("`{0}` is not a target\nhint: give `http://host:port`, without a path; TLS is not spoken here")]
    NotAUrl(String),
    /// The host name has no address.
    #[error("`{host}` has no address: {source}\nhint: is the name spelt right?")]
    NoAddress {
        /// The host and port.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// Nothing answers there.
    #[error("nothing listens at `{address}`: {source}\nhint: is the system up, and is this its port?")]
    Unreachable {
        /// The address that was tried.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Target {
    /// How long [`Target::probe`] waits.
    pub const PROBE: Duration = Duration::from_secs(2);

    /// A target that listens at `address` and is called `name`.
    pub fn at(name: &str, address: SocketAddr) -> Self {
        Self { name: name.to_owned(), address, host: address.to_string() }
    }

    /// The target of a URL of the form `http://host[:port][/]`; resolves the host's name.
    ///
    /// Of several addresses it is the first that accepts a connection, and if none does the first of all:
    /// `localhost` may be `::1` as well, where few systems listen.
    pub fn parse(name: &str, url: &str) -> Result<Self, TargetError> {
        let not_a_url = || TargetError::NotAUrl(url.to_owned());
        let rest = url.strip_prefix("http://").ok_or_else(not_a_url)?;
        let host = rest.strip_suffix('/').unwrap_or(rest);
        if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
            return Err(not_a_url());
        }
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let place = if has_port { host.to_owned() } else { format!("{host}:80") };
        let no_address = |source| TargetError::NoAddress { host: place.clone(), source };
        let addresses: Vec<SocketAddr> = place.to_socket_addrs().map_err(no_address)?.collect();
        let accepts = |address: &&SocketAddr| TcpStream::connect_timeout(address, Self::PROBE).is_ok();
        let found = if addresses.len() > 1 { addresses.iter().find(accepts) } else { None };
        let address =
            *found.or(addresses.first()).ok_or_else(|| no_address(io::ErrorKind::NotFound.into()))?;
        Ok(Self { name: name.to_owned(), address, host: host.to_owned() })
    }

    /// Opens one connection and closes it, so that a wrong address is one clear error and not a run full of failures.
    pub fn probe(&self) -> Result<(), TargetError> {
        let probed = TcpStream::connect_timeout(&self.address, Self::PROBE);
        probed.map(drop).map_err(|source| TargetError::Unreachable { address: self.address, source })
    }
}

/// What a sender may hold at once, for each arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections; also the most operations in flight, for HTTP/1.1 without pipelining has one a connection.
    pub connections: usize,
    /// Operations that are due and wait for a connection; what comes when it is full is counted as unsent.
    pub waiting: usize,
    /// How long one request may take from its send, and how long an operation may wait for a connection.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 128, waiting: 65_536, timeout: Duration::from_secs(2) }
    }
}
