//! Exact even spacing: moments with a fraction of a nanosecond, so that no rounding error accumulates.

use std::time::Duration;

use crate::Limit;

/// The spacing of a limit (the emission interval T of GCRA): `window / requests`, as quotient and remainder in
/// nanoseconds.
#[derive(Clone, Copy)]
pub(super) struct Spacing {
    whole: u64,
    rest: u64,
    requests: u64,
    window: u64,
}

/// A moment: nanoseconds since 1970-01-01 00:00 UTC, and a fraction of a nanosecond in units of
/// `1 / requests`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    nanos: u64,
    part: u32,
}

/// The window of a limit in nanoseconds; 31 days fit.
pub(crate) fn window_nanos(limit: &Limit) -> u64 {
    limit.window().as_nanos() as u64
}

/// The cost as charged: at least 1, and at most one above the capacity, which already never fits.
pub(super) fn counted(cost: u32, capacity: u32) -> u32 {
    cost.clamp(1, capacity + 1)
}

/// The quotient, rounded down and saturating. Nearly all dividends fit into 64 bits, where the division is
/// one instruction.
pub(super) fn divided(parts: u128, by: u64) -> u64 {
    match u64::try_from(parts) {
        Ok(parts) => parts / by,
        Err(_) => u64::try_from(parts / u128::from(by)).unwrap_or(u64::MAX),
    }
}

impl Spacing {
    pub(super) fn of(limit: &Limit) -> Self {
        let (window, requests) = (window_nanos(limit), u64::from(limit.requests()));
        Self { whole: window / requests, rest: window % requests, requests, window }
    }

    /// The moment this many spacings later; `spacings` covers a few windows at most.
    pub(super) fn after(&self, moment: Moment, spacings: u32) -> Moment {
        let spacings = u64::from(spacings);
        let parts = u64::from(moment.part) + spacings * self.rest;
        // Most limits divide their window evenly, and a division would cost as much as all the rest.
        let (carry, part) =
            if parts < self.requests { (0, parts) } else { (parts / self.requests, parts % self.requests) };
        let nanos = moment.nanos.saturating_add(spacings * self.whole + carry);
        Moment { nanos, part: part as u32 }
    }

    /// The moment this many spacings earlier; `spacings` covers a few windows at most.
    pub(super) fn before(&self, moment: Moment, spacings: u32) -> Moment {
        let spacings = u64::from(spacings);
        let parts = spacings * self.rest;
        let nanos = spacings * self.whole + parts / self.requests;
        let (part, taken) = (u64::from(moment.part), parts % self.requests);
        let borrow = u64::from(part < taken);
        let part = part + borrow * self.requests - taken;
        Moment { nanos: moment.nanos.saturating_sub(nanos + borrow), part: part as u32 }
    }

    /// The number of whole spacings between two moments; 0 if the second is not later.
    pub(super) fn between(&self, from: Moment, to: Moment) -> u32 {
        u32::try_from(divided(self.parts(from, to), self.window)).unwrap_or(u32::MAX)
    }

    /// The number of spacings between two moments, rounded up.
    pub(super) fn between_rounded_up(&self, from: Moment, to: Moment) -> u32 {
        let parts = self.parts(from, to) + u128::from(self.window - 1);
        u32::try_from(divided(parts, self.window)).unwrap_or(u32::MAX)
    }

    /// The time between two moments in fractions of a nanosecond; a spacing has as many of them as the window
    /// has nanoseconds.
    fn parts(&self, from: Moment, to: Moment) -> u128 {
        if to <= from {
            return 0;
        }
        let parts = u128::from(to.nanos - from.nanos) * u128::from(self.requests) + u128::from(to.part);
        parts.saturating_sub(from.part.into())
    }
}

impl Moment {
    pub(super) fn at(nanos: u64) -> Self {
        Self { nanos, part: 0 }
    }

    /// The inverse of [`Moment::numbers`].
    pub(super) fn from_numbers(nanos: u64, part: u64) -> Self {
        Self { nanos, part: part as u32 }
    }

    pub(super) fn numbers(self) -> (u64, u64) {
        (self.nanos, self.part.into())
    }

    /// The time since `earlier`, rounded up to nanoseconds; zero if `earlier` is later.
    pub(super) fn since(self, earlier: Self) -> Duration {
        if self <= earlier {
            return Duration::ZERO;
        }
        Duration::from_nanos(self.nanos - earlier.nanos + u64::from(self.part > earlier.part))
    }

    pub(super) fn since_nanos(self, earlier: u64) -> Duration {
        self.since(Self::at(earlier))
    }
}
