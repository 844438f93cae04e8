//! A token bucket that hands out moments: how many bytes may pass a link by when.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long an idle bucket fills up: a burst is so much of a second's bytes.
const BURST: Duration = Duration::from_millis(20);
/// The most bytes that are reserved at once; fewer keep a slow link even.
const LARGEST: usize = 16 * 1024;

/// A token bucket of one direction of a link, shared by all its connections.
///
/// It keeps no count of tokens, but the moment at which all that was reserved has passed (a virtual schedule, as the
/// generic cell rate algorithm of ITU-T I.371 does). So those that wait are served in the order in which they came.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    bytes_per_second: u64,
    free: Mutex<Instant>,
}

impl TokenBucket {
    /// An empty bucket.
    pub(crate) fn new(bytes_per_second: u64, now: Instant) -> Self {
        Self { bytes_per_second, free: Mutex::new(now) }
    }

    /// Bytes to reserve at once: as many as pass in a burst's time, at least one.
    pub(crate) fn quantum(&self) -> usize {
        let burst = u128::from(self.bytes_per_second) * BURST.as_millis() / 1000;
        burst.clamp(1, LARGEST as u128) as usize
    }

    /// Reserves bytes; returns from when they may pass.
    pub(crate) fn reserve(&self, bytes: usize, now: Instant) -> Instant {
        let takes = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        // An idle bucket saves up no more than a burst. A clock that is younger than a burst has saved up nothing.
        let least = now.checked_sub(BURST).unwrap_or(*free);
        *free = (*free).max(least) + takes;
        *free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_passes_one_after_another_at_the_rate() {
        let start = Instant::now();
        let bucket = TokenBucket::new(1000, start);
        assert_eq!(bucket.reserve(100, start), start + Duration::from_millis(100));
        assert_eq!(bucket.reserve(100, start), start + Duration::from_millis(200));
    }

    #[test]
    fn an_idle_bucket_saves_up_a_burst_and_no_more() {
        let start = Instant::now();
        let bucket = TokenBucket::new(1000, start);
        let later = start + Duration::from_secs(10);
        assert_eq!(bucket.reserve(20, later), later, "a burst passes at once");
        assert_eq!(bucket.reserve(10, later), later + Duration::from_millis(10));
    }

    #[test]
    fn a_quantum_is_small_for_slow_links_and_bounded_for_fast_ones() {
        let quantum = |rate| TokenBucket::new(rate, Instant::now()).quantum();
        assert_eq!(quantum(1), 1);
        assert_eq!(quantum(100_000), 2000);
        assert_eq!(quantum(100_000_000_000), LARGEST);
    }
}
