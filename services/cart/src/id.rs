//! Ids: 128 bits each, written as UUIDs are (RFC 9562), and ids that follow from what they name.

/// A text is not a valid id.
pub use contract::uuid::UuidError as IdError;
use sha2::{Digest, Sha256};

contract::ids! {
    text = contract::uuid::text, bits = contract::uuid::bits, error = IdError;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_the_same_id_whoever_makes_it_and_no_other_event_has_it() {
        assert_eq!(EventId::of("reply", &[1, 2]), EventId::of("reply", &[1, 2]));
        let others =
            [EventId::of("reply", &[2, 1]), EventId::of("reply", &[1]), EventId::of("event", &[1, 2])];
        assert!(!others.contains(&EventId::of("reply", &[1, 2])));
    }
}
