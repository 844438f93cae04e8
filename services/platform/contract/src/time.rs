//! Time as components see it: injected, so that a test can move it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01 00:00 UTC. Invariant: not before that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds since 1970-01-01 00:00 UTC.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 00:00 UTC.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// The moment that much later; the last representable one if there is none.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_millis() as u64))
    }

    /// How long after `earlier`; zero if it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// This moment.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(since.as_millis() as u64)
    }
}

/// Tells the time finely.
///
/// Two threads may tell each other's order wrongly by the little that passes between a reading and its use.
pub trait Ticks: Send + Sync {
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    fn ticks(&self) -> u64;
}

/// Ticks that never go back: the machine's clock is read once, and from then on only what has passed since.
///
/// What has passed is read off the processor's own counter where that runs evenly, which costs a third of asking the
/// system. Its rate is measured when the first of a process begins, in 0.6 to 200 ms, and is off by some
/// hundred-thousandths at most. They do not follow when the machine's clock is set.
#[derive(Clone, Debug)]
pub struct MonotonicTicks {
    counter: quanta::Clock,
    began: u64,
    /// Nanoseconds since 1970-01-01 00:00 UTC, when it began.
    at: u64,
}

impl MonotonicTicks {
    /// Begins now.
    pub fn new() -> Self {
        let counter = quanta::Clock::new();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: counter.raw(), counter, at: since.as_nanos() as u64 }
    }
}

impl Default for MonotonicTicks {
    fn default() -> Self {
        Self::new()
    }
}

impl Ticks for MonotonicTicks {
    fn ticks(&self) -> u64 {
        self.at.saturating_add(self.counter.delta_as_nanos(self.began, self.counter.raw()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_begin_at_the_machines_time_and_never_go_back() {
        let machine = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
        let before = machine();
        let ticks = MonotonicTicks::new();
        let read: Vec<u64> = (0..100_000).map(|_| ticks.ticks()).collect();
        assert!(read.is_sorted());
        // A millisecond for what a counter that was measured for half a millisecond may be off.
        assert!(before <= read[0] && read[99_999] <= machine() + 1_000_000);
    }
}
