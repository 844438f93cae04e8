//! Recognises targets that lead back to the shortener itself.

// `core` has the address types without the sockets of `std`.
use core::net::SocketAddr;

use crate::{Authority, Target};

/// The known addresses of the shortener, to which no link may lead.
#[derive(Clone, Debug, Default)]
pub struct OwnHosts(Vec<Authority>);

impl OwnHosts {
    /// From the addresses that the shortener listens on, and the URLs under which it is known.
    pub fn new(listens: &[SocketAddr], urls: impl IntoIterator<Item = Target>) -> Self {
        let of_address =
            |address: &SocketAddr| [Authority::from(*address), Authority::loopback(address.port())];
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
