//! The sender's clock: nanoseconds of `CLOCK_MONOTONIC`, the clock that its timer is armed on.
//!
//! A bare integer and not an `Instant`, because the timer takes absolute times and an `Instant` cannot be taken apart.

use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

/// Nanoseconds since an arbitrary moment (the machine's start); 64 bits last 584 years.
pub(crate) type Nanos = u64;

/// The time now.
///
/// # Panics
///
/// Never on Linux, where this clock always exists.
pub(crate) fn now() -> Nanos {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("`CLOCK_MONOTONIC` exists on every Linux");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// A duration in nanoseconds, at most `u64::MAX`.
pub(crate) fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A moment as the timer wants it.
pub(crate) fn timespec(at: Nanos) -> TimeSpec {
    TimeSpec::from_duration(Duration::from_nanos(at))
}
