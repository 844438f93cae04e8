//! The host and port that a URL leads to.

// `core` has the address types without the sockets of `std`.
use core::net::{IpAddr, SocketAddr};

/// A host and port in a normal form: equal however they were written.
///
/// All loopback names and addresses count as one host, with the unspecified addresses, which lead there as
/// well.
/// The default ports of `http` and `https` count as one port, because a host usually serves both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Loopback,
    Address(IpAddr),
    Name(String),
}

impl Authority {
    /// Parses the authority of a URL, or a `Host` header; `None` if the port is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (text, ""),
        };
        if !port.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let port = if port.is_empty() { DEFAULT_PORTS[0] } else { port.parse().ok()? };
        Some(Self { host: Host::of(host), port: one_default(port) })
    }

    /// The loopback host at a port.
    pub(crate) fn loopback(port: u16) -> Self {
        Self { host: Host::Loopback, port: one_default(port) }
    }
}

impl From<SocketAddr> for Authority {
    fn from(address: SocketAddr) -> Self {
        Self { host: Host::at(address.ip()), port: one_default(address.port()) }
    }
}

/// The ports of `http` and `https`.
const DEFAULT_PORTS: [u16; 2] = [80, 443];

fn one_default(port: u16) -> u16 {
    if DEFAULT_PORTS.contains(&port) { DEFAULT_PORTS[0] } else { port }
}

impl Host {
    fn of(text: &str) -> Self {
        if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse() {
            return Self::at(address);
        }
        // The trailing dot only marks the name as fully qualified.
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name == "localhost" || name.ends_with(".localhost") { Self::Loopback } else { Self::Name(name) }
    }

    fn at(address: IpAddr) -> Self {
        match address.to_canonical() {
            address if address.is_loopback() || address.is_unspecified() => Self::Loopback,
            address => Self::Address(address),
        }
    }
}
