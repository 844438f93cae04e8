//! Time as components see it: injected, so that a test can move it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
/// It does not follow when the machine's clock is set, and two machines differ by what their clocks differ.
#[derive(Clone, Copy, Debug)]
pub struct MonotonicTicks {
    began: Instant,
    /// Nanoseconds since 1970-01-01 00:00 UTC, when it began.
    at: u64,
}

impl MonotonicTicks {
    /// Begins now.
    pub fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), at: since.as_nanos() as u64 }
    }
}

impl Default for MonotonicTicks {
    fn default() -> Self {
        Self::new()
    }
}

impl Ticks for MonotonicTicks {
    fn ticks(&self) -> u64 {
        self.at.saturating_add(self.began.elapsed().as_nanos() as u64)
    }
}
