//! Time as components see it: an injected clock, which a test can move.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01 00:00 UTC. Invariant: not before that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Creates a timestamp from milliseconds since 1970-01-01 00:00 UTC.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 00:00 UTC.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// This moment plus `duration`; saturates at the last representable moment.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_millis() as u64))
    }

    /// The time from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A wall clock with a resolution of one millisecond.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The machine's wall clock; it jumps when somebody sets it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(since.as_millis() as u64)
    }
}

/// A clock with nanosecond resolution.
///
/// Readings of two threads may be ordered wrongly by the time that passes between a reading and its use.
pub trait Ticks: Send + Sync {
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    fn ticks(&self) -> u64;
}

/// Ticks that never go back: the wall clock is read once, and every later reading adds the time elapsed
/// since.
///
/// `quanta` reads the elapsed time from the processor's time-stamp counter where that is invariant, at a
/// third of the cost of `clock_gettime`. It calibrates the counter when the first clock of a process is made,
/// which takes 0.6 to 200 ms and leaves an error of some hundred-thousandths of the rate. Where the counter
/// is not invariant, it asks the system.
/// These ticks do not follow when the machine's clock is set.
#[derive(Clone, Debug)]
pub struct MonotonicTicks {
    counter: quanta::Clock,
    began: u64,
    /// The wall clock at `began`, in nanoseconds since 1970-01-01 00:00 UTC.
    at: u64,
}

impl MonotonicTicks {
    /// Starts at the current wall-clock time.
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
        // One millisecond of tolerance: `quanta` may have calibrated the counter for half a millisecond only.
        assert!(before <= read[0] && read[99_999] <= machine() + 1_000_000);
    }
}
