//! Short texts that clients choose, each with its limits.

use contract::{is_visible, texts};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::OrderId;

texts! {
    /// An idempotency key, by which a client can retry a checkout safely. Invariant: 1 to 128 visible ASCII characters.
    ///
    /// The header `Idempotency-Key` of draft-ietf-httpapi-idempotency-key-header.
    RequestKey or RequestKeyError: at most 128 of is_visible, "^[!-~]{1,128}$",
        "an idempotency key is 1 to 128 visible ASCII characters";
    /// The code of a voucher. Invariant: 1 to 32 characters of `0-9`, `A-Z` and `-`.
    VoucherCode or VoucherCodeError: at most 32 of is_of_a_voucher, "^[0-9A-Z-]{1,32}$",
        "a voucher's code is 1 to 32 characters of `0-9`, `A-Z` and `-`";
    /// What stands for a card: the provider's token, never a number. Invariant: 1 to 128 visible ASCII characters.
    PaymentToken or PaymentTokenError: at most 128 of is_visible, "^[!-~]{1,128}$",
        "a payment token is 1 to 128 visible ASCII characters";
    /// The id of a charge, as the payment provider names it. Invariant: 1 to 64 visible ASCII characters.
    ChargeId or ChargeIdError: at most 64 of is_visible, "^[!-~]{1,64}$",
        "a charge's id is 1 to 64 visible ASCII characters";
}

impl RequestKey {
    /// A key that nobody else has: the id of a new order.
    pub(crate) fn of(order: OrderId) -> Self {
        Self(order.to_string())
    }
}

fn is_of_a_voucher(char: char) -> bool {
    char.is_ascii_uppercase() || char.is_ascii_digit() || char == '-'
}

/// A digest of a request's parameters, by which a key that is used for another request is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// The digest of these parts: the first 63 bits of a SHA-256, which a signed column holds.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let first: [u8; 8] = std::array::from_fn(|index| digest[index]);
        Self(u64::from_be_bytes(first) >> 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patterns_are_what_is_taken() {
        let pattern = |pattern| regex::Regex::new(pattern).unwrap();
        let (key, code) = (pattern(RequestKey::PATTERN), pattern(VoucherCode::PATTERN));
        let long = |length: usize| "X".repeat(length);
        let texts = ["", "a", "A-9", "!", "~", " ", "a b", "A\n", "\u{7f}", "\u{e4}"];
        let longs = [long(32), long(33), long(128), long(129)];
        for text in texts.into_iter().chain(longs.iter().map(String::as_str)) {
            assert_eq!(key.is_match(text), RequestKey::parse(text).is_ok(), "{text:?}");
            assert_eq!(key.is_match(text), PaymentToken::parse(text).is_ok(), "{text:?}");
            assert_eq!(code.is_match(text), VoucherCode::parse(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_fingerprint_tells_where_one_part_ends() {
        assert_eq!(Fingerprint::of(&[b"ab", b"c"]), Fingerprint::of(&[b"ab", b"c"]));
        assert_ne!(Fingerprint::of(&[b"ab", b"c"]), Fingerprint::of(&[b"a", b"bc"]));
        assert!(i64::try_from(Fingerprint::of(&[b"x"]).0).is_ok());
    }
}
