//! Choices that look random and are a hash: of a seed, of what is chosen, and of whose choice it is.
//!
//! A generator of random numbers would make other choices whenever requests arrive in another order.

use sha2::{Digest, Sha256};

/// The hash of a choice.
pub(crate) fn hash(seed: u32, what: &str, whose: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(what);
    // No text holds a zero byte, so no two pairs are the same text.
    hash.update([0]);
    hash.update(whose);
    hash.finalize().into()
}

/// A number in `[0, 1)`, uniformly.
pub(crate) fn unit(seed: u32, what: &str, whose: &str) -> f64 {
    let hash = hash(seed, what, whose);
    // An `f64` is exact in 53 bits.
    let bits = u64::from_le_bytes(std::array::from_fn(|index| hash[index])) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

/// An identifier: a prefix, and 24 hexadecimal digits.
pub(crate) fn id(prefix: &str, seed: u32, whose: &str) -> String {
    let (hash, mut digits) = (hash(seed, prefix, whose), [0; 24]);
    let digits = base16ct::lower::encode_str(&hash[..12], &mut digits).expect("two digits a byte");
    format!("{prefix}_{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_the_same_whenever_it_is_made_and_another_for_another_seed_thing_or_key() {
        let all = [(1, "a", "bc"), (1, "ab", "c"), (2, "a", "bc"), (1, "a", "bd")];
        let made = || all.map(|(seed, what, whose)| unit(seed, what, whose));
        assert!(made().iter().all(|number| (0.0..1.0).contains(number)), "{:?}", made());
        // Equal to the last bit, and not only nearly.
        let bits = || made().map(f64::to_bits);
        assert_eq!(bits(), bits());
        assert_eq!(std::collections::BTreeSet::from(bits()).len(), all.len(), "{:?}", made());
    }

    #[test]
    fn choices_are_spread_evenly() {
        let below = |limit: f64| (0..10_000).filter(|n| unit(7, "x", &n.to_string()) < limit).count();
        // Five standard deviations of a binomial.
        for (limit, expected) in [(0.1, 1_000), (0.5, 5_000), (0.9, 9_000)] {
            assert!(below(limit).abs_diff(expected) < 250, "{limit}: {}", below(limit));
        }
    }
}
