//! A clock that a test sets.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use contract::Ticks;

/// The start of a window of every length that these tests use: 2020-01-01 00:00 UTC.
pub(crate) const START: u64 = 1_577_836_800 * 1_000_000_000;

/// A clock that a test sets.
#[derive(Default)]
pub(crate) struct SetTicks(AtomicU64);

impl SetTicks {
    pub(crate) fn set(&self, now: u64) {
        self.0.store(now, Relaxed);
    }
}

impl Ticks for SetTicks {
    fn ticks(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
