//! The client of a request under a policy: the value of its fact, as it appears in the name of a count.

use core::net::{IpAddr, Ipv6Addr};
use std::{
    borrow::Cow,
    fmt::{self, Display, Write as _},
};

use sha2::{Digest as _, Sha256};

use crate::KeySource;

/// The longest value that appears in a count's name, in bytes; a longer one appears as its digest.
pub const MAX_KEY_BYTES: usize = 256;
/// The default prefix length by which an IPv6 client is identified: what a provider assigns to a customer at
/// least (RFC 6177), who may use any address in it.
pub const IPV6_PREFIX: u8 = 64;

impl KeySource {
    /// The client for a fact's value.
    ///
    /// An IPv4 address stands for itself, also in its IPv4-mapped IPv6 form; an IPv6 address for its network.
    /// Any other value stands for itself; one longer than [`MAX_KEY_BYTES`] becomes `sha256:` and 64
    /// hexadecimal digits.
    pub(crate) fn client<'a>(&self, value: &'a str) -> Cow<'a, str> {
        match self.ipv6_prefix().and_then(|prefix| Some((address(value)?, prefix))) {
            Some((IpAddr::V6(address), prefix)) => network(address, prefix).into(),
            Some((IpAddr::V4(address), _)) => address.to_string().into(),
            None if value.len() > MAX_KEY_BYTES => digest(value).into(),
            None => value.into(),
        }
    }

    /// An exempt value in the form that [`is_exempt`](Self::is_exempt) compares: a normalised address, or a
    /// client; `None` if no client can have the value.
    ///
    /// Where the key is an address, the value must be an address, or an IPv6 network of exactly the key's
    /// prefix length. Where all requests share a count, no value can match.
    pub(crate) fn exempt(&self, value: &str) -> Option<String> {
        let Some(prefix) = self.ipv6_prefix() else {
            return (*self != Self::Everyone).then(|| self.client(value).into_owned());
        };
        if let Some(address) = address(value) {
            return Some(address.to_string());
        }
        let (net, written) = value.split_once('/')?;
        // An IPv4-mapped address belongs to no IPv6 network.
        let net = net.parse().ok().filter(|net: &Ipv6Addr| net.to_ipv4_mapped().is_none())?;
        (written.parse() == Ok(prefix)).then(|| network(net, prefix))
    }

    /// Whether a list of values in the form of [`exempt`](Self::exempt) contains the value's client or
    /// address.
    pub(crate) fn is_exempt(&self, exempt: &std::collections::HashSet<String>, value: &str) -> bool {
        let is_address =
            || self.ipv6_prefix().and_then(|_| address(value)).map(|address| address.to_string());
        exempt.contains(&*self.client(value)) || is_address().is_some_and(|address| exempt.contains(&address))
    }

    /// The prefix length by which IPv6 clients are identified; `None` where the key is not an address.
    fn ipv6_prefix(&self) -> Option<u8> {
        match self {
            Self::Address => Some(IPV6_PREFIX),
            Self::Ipv6Prefix(prefix) => Some(*prefix),
            Self::Token | Self::Header(_) | Self::Everyone => None,
        }
    }
}

/// The key source as it appears in the name of a count: different sources never share a count.
impl Display for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.ipv6_prefix(), self.fact()) {
            (Some(prefix), _) => write!(formatter, "address/{prefix}"),
            (None, Some(fact)) => formatter.write_str(&fact),
            (None, None) => formatter.write_str("everyone"),
        }
    }
}

/// Parses an address without its zone; an IPv4-mapped one becomes IPv4.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.split_once('%').map_or(text, |(address, _)| address);
    text.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// The network of an address: `2001:db8::/64`.
fn network(address: Ipv6Addr, prefix: u8) -> String {
    let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0);
    format!("{}/{prefix}", Ipv6Addr::from_bits(address.to_bits() & mask))
}

fn digest(value: &str) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(value) {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_itself_or_its_network() {
        for (key, value, client) in [
            (KeySource::Address, "192.0.2.7", "192.0.2.7"),
            (KeySource::Address, "::ffff:192.0.2.7", "192.0.2.7"),
            (KeySource::Address, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            (KeySource::Address, "2001:DB8:1:2::", "2001:db8:1:2::/64"),
            (KeySource::Address, "fe80::1%eth0", "fe80::/64"),
            (KeySource::Ipv6Prefix(56), "2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
            (KeySource::Ipv6Prefix(128), "2001:db8::1", "2001:db8::1/128"),
            (KeySource::Ipv6Prefix(1), "8000::1", "8000::/1"),
            (KeySource::Ipv6Prefix(48), "192.0.2.7", "192.0.2.7"),
            (KeySource::Address, "no address", "no address"),
            (KeySource::Token, "2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(key.client(value), client, "{key:?} {value}");
        }
    }

    #[test]
    fn a_long_value_is_its_digest_and_no_other_is() {
        let long = "x".repeat(MAX_KEY_BYTES);
        assert_eq!(KeySource::Token.client(&long), long);
        // From `printf x%.0s $(seq 257) | sha256sum`.
        let digest = "sha256:15eb95a462ee20bd91a415ae2d4aed341288186ddaa2b37908f7d592f0c3f85f";
        assert_eq!(KeySource::Token.client(&"x".repeat(MAX_KEY_BYTES + 1)), digest);
        assert_ne!(KeySource::Token.client(&"x".repeat(MAX_KEY_BYTES + 2)), digest);
    }

    #[test]
    fn an_exempt_address_is_found_in_any_of_its_forms() {
        let exempt = |key: &KeySource, value: &str| key.exempt(value).into_iter().collect();
        for (value, is_exempt) in [
            ("2001:db8:0:0::7", [true, false]),
            ("2001:db8::/64", [true, true]),
            ("2001:db8::1/64", [true, true]),
            ("2001:db8::/56", [false, false]),
            ("192.0.2.7", [false, false]),
        ] {
            let exempt = exempt(&KeySource::Address, value);
            for (address, is_exempt) in ["2001:db8::7", "2001:db8::8"].into_iter().zip(is_exempt) {
                assert_eq!(KeySource::Address.is_exempt(&exempt, address), is_exempt, "{value} {address}");
            }
        }
        for nobodys in [
            "10.0.0.0/8",
            "192.0.2.7/32",
            "2001:db8::/56",
            "::ffff:192.0.2.0/64",
            "/64",
            "not-an-address",
            "",
        ] {
            assert_eq!(KeySource::Address.exempt(nobodys), None, "{nobodys}");
        }
        assert_eq!(KeySource::Ipv6Prefix(56).exempt("2001:db8::/56").unwrap(), "2001:db8::/56");
        assert_eq!(KeySource::Everyone.exempt("everyone"), None);
        let long = "é".repeat(MAX_KEY_BYTES);
        assert!(KeySource::Token.is_exempt(&exempt(&KeySource::Token, &long), &long));
        let mapped = exempt(&KeySource::Address, "::ffff:192.0.2.7");
        assert!(KeySource::Address.is_exempt(&mapped, "192.0.2.7"));
    }
}
