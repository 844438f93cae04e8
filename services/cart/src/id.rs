//! Ids: 128 bits each, written as UUIDs are (RFC 9562), and ids that follow from what they name.

use sha2::{Digest, Sha256};

/// A text is not a valid id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is a UUID, as `018f4e2a-6c1b-7d3e-9a5f-0123456789ab`")]
pub struct IdError;

contract::ids! {
    text = text, bits = bits, error = IdError;
    /// The id of a product.
    ProductId;
    /// The id of a cart.
    CartId;
    /// The id of a customer.
    CustomerId;
    /// The id of an order.
    OrderId;
    /// The id of a delivery of goods to the stock.
    DeliveryId;
    /// The id of a refund.
    RefundId;
    /// The id of a command, a reply or an event: what an inbox remembers.
    EventId;
}

impl EventId {
    /// The id that follows from what it names: the first 128 bits of a SHA-256.
    ///
    /// A message that is made again, after a crash or by another replica, has the same id, so that its consumer
    /// recognises it.
    pub(crate) fn of(kind: &str, parts: &[u128]) -> Self {
        let mut hash = Sha256::new();
        hash.update(kind);
        for part in parts {
            hash.update(part.to_be_bytes());
        }
        let digest = hash.finalize();
        let first: [u8; 16] = std::array::from_fn(|index| digest[index]);
        Self(u128::from_be_bytes(first))
    }
}

/// The places of the hyphens in a UUID.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

fn text(bits: u128) -> String {
    let digits = format!("{bits:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

/// Parses hexadecimal digits in their groups only; unlike `from_str_radix`, it refuses a sign.
fn bits(text: &str) -> Result<u128, IdError> {
    let fits = |(index, byte): (usize, u8)| {
        if HYPHENS.contains(&index) { byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    if text.len() != 36 || !text.bytes().enumerate().all(fits) {
        return Err(IdError);
    }
    u128::from_str_radix(&text.replace('-', ""), 16).map_err(|_| IdError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_and_nothing_else() {
        for id in [0, 0x7f, u128::MAX] {
            assert_eq!(CartId::parse(&CartId(id).to_string()), Ok(CartId(id)));
            assert_eq!(OrderId::try_from(String::from(OrderId(id))), Ok(OrderId(id)));
        }
        assert_eq!(ProductId(0x1f).to_string(), "00000000-0000-0000-0000-00000000001f");
        for text in [
            "",
            "0000000000000000000000000000001f",
            "+0000000-0000-0000-0000-00000000001f",
            "00000000-0000-0000-0000-00000000001",
            "00000000-0000-0000-0000-0000000000001f",
            "00000000-0000-0000-0000_00000000001f",
            "0000000g-0000-0000-0000-00000000001f",
            "{0000000-0000-0000-0000-00000000001}",
        ] {
            assert_eq!(CartId::parse(text), Err(IdError), "{text:?}");
        }
    }

    #[test]
    fn an_event_has_the_same_id_whoever_makes_it_and_no_other_event_has_it() {
        assert_eq!(EventId::of("reply", &[1, 2]), EventId::of("reply", &[1, 2]));
        let others =
            [EventId::of("reply", &[2, 1]), EventId::of("reply", &[1]), EventId::of("event", &[1, 2])];
        assert!(!others.contains(&EventId::of("reply", &[1, 2])));
    }
}
