//! Recognises targets that lead back to the shortener itself.

// `core` has the address types without the sockets of `std`.
use core::net::{IpAddr, SocketAddr};

use crate::Target;

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

/// The known addresses of the shortener, to which no link may lead.
#[derive(Clone, Debug, Default)]
pub struct OwnHosts(Vec<Authority>);

impl OwnHosts {
    /// From the addresses that the shortener listens on, and the URLs under which it is known.
    pub fn new(listens: &[SocketAddr], urls: impl IntoIterator<Item = Target>) -> Self {
        let of_address = |address: &SocketAddr| {
            let loopback = Authority { host: Host::Loopback, port: one_default(address.port()) };
            [Authority::from(*address), loopback]
        };
        let of_urls = urls.into_iter().filter_map(|url| url.authority());
        Self(listens.iter().flat_map(of_address).chain(of_urls).collect())
    }

    /// Whether the authority is one of them.
    pub fn include(&self, authority: &Authority) -> bool {
        self.0.contains(authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads_to(own: &OwnHosts, host: &str) -> bool {
        let target = Target::parse(format!("http://{host}/code")).expect(host);
        own.include(&target.authority().expect(host))
    }

    fn own(listens: &[&str], urls: &[&str]) -> OwnHosts {
        let listens: Vec<_> = listens.iter().map(|address| address.parse().unwrap()).collect();
        OwnHosts::new(&listens, urls.iter().map(|url| Target::parse(url).unwrap()))
    }

    #[test]
    fn whoever_listens_on_loopback_is_reached_by_every_name_of_it() {
        let own = own(&["127.0.0.1:8080"], &[]);
        for host in [
            "127.0.0.1",
            "127.0.0.2",
            "127.255.255.254",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:7f00:1]",
            "[::ffff:0:0]",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "short.localhost",
            "a.b.LocalHost.",
        ] {
            assert!(leads_to(&own, &format!("{host}:8080")), "{host}");
            assert!(
                !leads_to(&own, host) && !leads_to(&own, &format!("{host}:8081")),
                "{host} at another port"
            );
        }
        for host in ["128.0.0.1", "[::2]", "localhost.example", "notlocalhost", "127.0.0.1.example"] {
            assert!(!leads_to(&own, &format!("{host}:8080")), "{host}");
        }
    }

    #[test]
    fn each_address_that_it_listens_at_is_its_own() {
        let own = own(&["192.0.2.1:80", "[2001:db8::1]:80"], &[]);
        for host in [
            "192.0.2.1",
            "[::ffff:c000:201]",
            "[2001:db8::1]",
            "[2001:DB8:0:0::1]:80",
            "192.0.2.1:443",
            "localhost",
        ] {
            assert!(leads_to(&own, host), "{host}");
        }
        assert!(!leads_to(&own, "192.0.2.2") && !leads_to(&own, "192.0.2.1:8080"));
    }

    #[test]
    fn a_public_url_is_its_own_however_it_is_written() {
        let own = own(&[], &["https://Short.example", "http://short.test:8081/"]);
        for host in
            ["short.example", "SHORT.EXAMPLE.", "short.example:443", "short.example:80", "short.test:8081"]
        {
            assert!(leads_to(&own, host), "{host}");
        }
        for host in [
            "example",
            "a.short.example",
            "short.example.com",
            "short.example:8080",
            "short.test",
            "localhost",
        ] {
            assert!(!leads_to(&own, host), "{host}");
        }
    }

    #[test]
    fn a_host_header_is_read_as_the_host_of_a_url() {
        for (header, host) in [
            ("SHORT.example.:80", "short.example"),
            ("[::1]", "localhost"),
            ("127.0.0.1:", "localhost"),
            ("short.example:443", "short.example"),
        ] {
            assert_eq!(
                Authority::parse(header),
                Target::parse(format!("http://{host}")).unwrap().authority(),
                "{header}"
            );
        }
        for malformed in ["a:x", "a:+80", "a:65536"] {
            assert_eq!(Authority::parse(malformed), None, "{malformed}");
        }
    }
}
