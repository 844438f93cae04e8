//! The sources of new codes: the values of the axis `codes`.

use async_trait::async_trait;
use block::Block;
use contract::Unavailable;
use sha2::{Digest, Sha256};

use crate::{Code, Numbers, Shorten};

/// Generates codes.
#[async_trait]
pub trait CodeSource: Send + Sync {
    /// A code for this request; `attempt` is the number of codes that were already taken.
    async fn code_for(&self, request: &Shorten, attempt: u32) -> Result<Code, Unavailable>;
}

/// Random codes.
///
/// They need no coordination and cannot be guessed. A collision leads to a retry, and is rare while few of
/// the 3.5 * 10^12 codes are in use.
pub struct RandomCodes {
    random: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl RandomCodes {
    /// Uses a source of uniformly distributed 64-bit numbers.
    pub fn new(random: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { random: Box::new(random) }
    }
}

#[async_trait]
impl CodeSource for RandomCodes {
    async fn code_for(&self, _: &Shorten, _: u32) -> Result<Code, Unavailable> {
        Ok(Code::of_number((self.random)()))
    }
}

/// A counter, scrambled so that consecutive codes look unrelated.
///
/// It never collides, and coordinates once for a block of numbers (the hi/lo scheme).
/// The scramble is an affine permutation of the code space: it hides the count from a glance, not from an
/// analyst.
pub struct CounterCodes<N> {
    numbers: N,
    block: Block,
}

/// The size of a reserved block; a process that stops leaves the rest of its block unused.
const BLOCK: u64 = 100;
/// The factor of the scramble: odd and not a multiple of 31, so coprime to 62^7, which makes the scramble
/// one-to-one.
const FACTOR: u128 = 2_654_435_761_013;
/// The offset of the scramble.
const OFFSET: u128 = 1_442_695_040_889;

impl<N: Numbers> CounterCodes<N> {
    /// Uses a source of numbers.
    pub fn new(numbers: N) -> Self {
        Self { numbers, block: Block::default() }
    }
}

#[async_trait]
impl<N: Numbers> CodeSource for CounterCodes<N> {
    async fn code_for(&self, _: &Shorten, _: u32) -> Result<Code, Unavailable> {
        let number = match self.block.take() {
            Some(number) => number,
            None => self.block.refill(self.numbers.reserve(BLOCK).await?, BLOCK),
        };
        Ok(scrambled(number))
    }
}

fn scrambled(number: u64) -> Code {
    let spread = (u128::from(number) * FACTOR + OFFSET) % u128::from(Code::SPACE);
    Code::of_number(spread as u64)
}

/// A hash of the request: the first 8 bytes of its SHA-256.
///
/// The same request leads to the same code on any replica, without coordination.
/// The hash includes the request key, so two users who shorten the same target get two links; otherwise one
/// could delete or let expire a link that the other relies on.
#[derive(Clone, Copy, Debug, Default)]
pub struct HashCodes;

#[async_trait]
impl CodeSource for HashCodes {
    async fn code_for(&self, request: &Shorten, attempt: u32) -> Result<Code, Unavailable> {
        let mut hash = Sha256::new();
        hash.update(request.key.as_str());
        hash.update([0]);
        hash.update(request.target.as_str());
        hash.update(attempt.to_be_bytes());
        let digest = hash.finalize();
        let first: [u8; 8] = std::array::from_fn(|index| digest[index]);
        Ok(Code::of_number(u64::from_be_bytes(first)))
    }
}

/// A block of reserved numbers, shared by the requests of a process.
mod block {
    use std::sync::{Mutex, PoisonError};

    #[derive(Debug, Default)]
    pub(super) struct Block(Mutex<std::ops::Range<u64>>);

    impl Block {
        pub(super) fn take(&self) -> Option<u64> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
        }

        /// Takes the first number of a new block and keeps the rest, unless another task has refilled it
        /// already.
        pub(super) fn refill(&self, first: u64, count: u64) -> u64 {
            let mut block = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if block.is_empty() {
                *block = first + 1..first + count;
            }
            first
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scramble_never_gives_two_numbers_one_code() {
        let codes: std::collections::HashSet<_> = (0..200_000).map(scrambled).collect();
        assert_eq!(codes.len(), 200_000);
        assert_eq!(FACTOR % 2, 1);
        assert_ne!(FACTOR % 31, 0);
    }
}
