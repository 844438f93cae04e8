//! A count's name as a keyed hash.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

/// 128 bits of SipHash-1-3: of fixed length, and unpredictable without the secret.
///
/// Among 10^6 keys, two share a hash with a probability of 10^-26. Source: Aumasson, Bernstein, "SipHash: a
/// fast short-input PRF", 2012.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) first: u64,
    pub(super) second: u64,
}

impl Key {
    /// The mark of an empty slot.
    pub(super) const NONE: Self = Self { first: 0, second: 0 };

    pub(super) fn of(secret: &[u8; 16], name: &str) -> Self {
        let mut hasher = SipHasher13::new_with_key(secret);
        hasher.write(name.as_bytes());
        let hash = hasher.finish128();
        // The hash that marks an empty slot is not a key's.
        Self { first: hash.h1, second: hash.h2.max(1) }
    }

    /// The shard, out of a power of two; by bits that do not choose a slot in it.
    pub(super) fn shard(self, shards: usize) -> usize {
        (self.first >> 48) as usize & (shards - 1)
    }

    /// The two sets that may hold the key, out of at most 2^32.
    pub(super) fn sets(self, sets: usize) -> [usize; 2] {
        // Half of the hash as a fraction of one, times the number of sets: no division.
        [self.first, self.second].map(|half| (((half & u64::from(u32::MAX)) * sets as u64) >> 32) as usize)
    }
}
