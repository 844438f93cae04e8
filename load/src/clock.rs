//! The sender's clock: `CLOCK_MONOTONIC` in nanoseconds, the clock on which its timer is armed.
//!
//! An integer and not an `Instant`, because the timer takes absolute times and an `Instant` does not expose
//! its value.

use std::time::Duration;

use nix::{
    sys::time::TimeSpec,
    time::{ClockId, clock_gettime},
};

/// Nanoseconds since the machine's start; 64 bits last 584 years.
pub(crate) type Nanos = u64;

/// The current time.
///
/// # Panics
///
/// Never on Linux, where this clock always exists.
pub(crate) fn now() -> Nanos {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("`CLOCK_MONOTONIC` exists on every Linux");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// A time of `CLOCK_MONOTONIC`, which all processes of a machine share: a message may carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Moment(pub(crate) Nanos);

impl Moment {
    /// The time now.
    pub fn now() -> Self {
        Self(now())
    }

    /// The inverse of [`nanos`](Self::nanos).
    pub fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds of `CLOCK_MONOTONIC`.
    pub fn nanos(self) -> u64 {
        self.0
    }

    /// The time so much later; saturates.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(nanos(time)))
    }

    /// The time since `earlier`; zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A duration in nanoseconds; saturates.
pub(crate) fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A time in the form that the timer takes.
pub(crate) fn timespec(at: Nanos) -> TimeSpec {
    TimeSpec::from_duration(Duration::from_nanos(at))
}
