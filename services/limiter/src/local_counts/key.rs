//! A count's name as a keyed hash.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

/// 128 bits of SipHash-1-3: as short for a long name as for a short one, and not to be aimed at without the secret.
///
/// Two of 10^6 keys share one with a probability of 10^-26. Source: Aumasson, Bernstein, "SipHash: a fast short-input
/// PRF", 2012.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) first: u64,
    pub(super) second: u64,
}

impl Key {
    /// No key's.
    pub(super) const NONE: Self = Self { first: 0, second: 0 };

    pub(super) fn of(secret: &[u8; 16], name: &str) -> Self {
        let mut hasher = SipHasher13::new_with_key(secret);
        hasher.write(name.as_bytes());
        let hash = hasher.finish128();
        // One hash is taken to mark an empty place.
        Self { first: hash.h1, second: hash.h2.max(1) }
    }

    /// Which of so many shards, a power of two: by bits that choose no place in it.
    pub(super) fn shard(self, shards: usize) -> usize {
        (self.first >> 48) as usize & (shards - 1)
    }

    /// The two sets in which it may be, of so many, at most 2^32.
    pub(super) fn sets(self, sets: usize) -> [usize; 2] {
        // A half of the hash as a fraction of one, times the sets: no division.
        [self.first, self.second].map(|half| (((half & u64::from(u32::MAX)) * sets as u64) >> 32) as usize)
    }
}
