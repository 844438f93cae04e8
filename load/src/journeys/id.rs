//! Ids that are UUIDs. Those that the generator chooses follow from the seed and a number.

use std::fmt::{self, Display};

use serde::{Deserialize, Deserializer, de::Error};

/// An id of a product, an order, a room, a message: 128 bits, written as a UUID is (RFC 9562).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(pub(super) u128);

/// The places of the hyphens.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl Id {
    /// The id of the thing with this number in the run with this seed: of a product, a buyer's cart, a message.
    pub(super) fn of(seed: u64, number: u64) -> Self {
        Self((u128::from(seed) << 64) | u128::from(number))
    }

    /// The number of the thing, if it belongs to the run with this seed.
    pub(super) fn number(self, seed: u64) -> Option<u64> {
        ((self.0 >> 64) as u64 == seed).then_some(self.0 as u64)
    }

    /// Parses an id.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_hyphen = |(at, byte): (usize, u8)| HYPHENS.contains(&at) == (byte == b'-');
        let is_uuid = text.len() == 36 && text.bytes().enumerate().all(is_hyphen);
        let digits = text.replace('-', "");
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_uuid && is_hex { u128::from_str_radix(&digits, 16).ok().map(Self) } else { None }
    }
}

impl Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        f.write_str(&parts.join("-"))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a UUID"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written_and_tells_its_run_and_number() {
        for id in [Id::of(7, 0x1f), Id::of(u64::MAX, u64::MAX), Id::of(0, 1 << 40)] {
            assert_eq!(Id::parse(&id.to_string()), Some(id));
        }
        assert_eq!(Id::of(7, 31).to_string(), "00000000-0000-0007-0000-00000000001f");
        assert_eq!((Id::of(7, 31).number(7), Id::of(7, 31).number(8)), (Some(31), None));
    }

    #[test]
    fn anything_else_is_none() {
        for text in
            ["", "1f", "00000000000000070000-00000000001f-----", "0000000g-0000-0007-0000-00000000001f"]
        {
            assert_eq!(Id::parse(text), None, "{text}");
        }
        assert_eq!(Id::parse("+0000000-0000-0007-0000-00000000001f"), None);
    }
}
