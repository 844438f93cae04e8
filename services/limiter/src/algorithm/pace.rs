//! Exact even spacing: moments in parts of a nanosecond, so that no rounding adds up.

use std::time::Duration;

use crate::Limit;

/// The spacing of a limit: one request each `window / requests`, as whole nanoseconds and the rest of that division.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    whole: u64,
    rest: u64,
    requests: u64,
    window: u64,
}

/// A moment: nanoseconds since 1970-01-01 00:00 UTC, and a part of the next one in fractions of `1 / requests`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    nanos: u64,
    part: u32,
}

/// The length of a limit's window, nanoseconds: at most 31 days, so it fits.
pub(crate) fn window_nanos(limit: &Limit) -> u64 {
    limit.window().as_nanos() as u64
}

/// The cost as it counts: at least 1, and one that is too large by any amount is too large by one.
pub(super) fn counted(cost: u32, capacity: u32) -> u32 {
    cost.clamp(1, capacity + 1)
}

/// The quotient, rounded down, which has to fit; nearly always both fit into what the machine divides at once.
pub(super) fn divided(parts: u128, by: u64) -> u64 {
    match u64::try_from(parts) {
        Ok(parts) => parts / by,
        Err(_) => u64::try_from(parts / u128::from(by)).unwrap_or(u64::MAX),
    }
}

impl Pace {
    pub(super) fn of(limit: &Limit) -> Self {
        let (window, requests) = (window_nanos(limit), u64::from(limit.requests()));
        Self { whole: window / requests, rest: window % requests, requests, window }
    }

    /// The moment that many spacings after another: at most a few windows' worth of them.
    pub(super) fn after(&self, moment: Moment, spacings: u32) -> Moment {
        let spacings = u64::from(spacings);
        let parts = u64::from(moment.part) + spacings * self.rest;
        // Most limits divide their window evenly, and a division costs as much as all the rest.
        let (carry, part) =
            if parts < self.requests { (0, parts) } else { (parts / self.requests, parts % self.requests) };
        let nanos = moment.nanos.saturating_add(spacings * self.whole + carry);
        Moment { nanos, part: part as u32 }
    }

    /// The moment that many spacings before another: at most a few windows' worth of them.
    pub(super) fn before(&self, moment: Moment, spacings: u32) -> Moment {
        let spacings = u64::from(spacings);
        let parts = spacings * self.rest;
        let nanos = spacings * self.whole + parts / self.requests;
        let (part, taken) = (u64::from(moment.part), parts % self.requests);
        let borrow = u64::from(part < taken);
        let part = part + borrow * self.requests - taken;
        Moment { nanos: moment.nanos.saturating_sub(nanos + borrow), part: part as u32 }
    }

    /// How many whole spacings lie between two moments; 0 if the second is not later.
    pub(super) fn spacings(&self, from: Moment, to: Moment) -> u32 {
        u32::try_from(divided(self.parts(from, to), self.window)).unwrap_or(u32::MAX)
    }

    /// The same, with one that is begun.
    pub(super) fn spacings_up(&self, from: Moment, to: Moment) -> u32 {
        let parts = self.parts(from, to) + u128::from(self.window - 1);
        u32::try_from(divided(parts, self.window)).unwrap_or(u32::MAX)
    }

    /// From one moment to a later one, in parts; a spacing is as many parts long as the window has nanoseconds.
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

    /// From the two numbers of [`Moment::numbers`].
    pub(super) fn from_numbers(nanos: u64, part: u64) -> Self {
        Self { nanos, part: part as u32 }
    }

    pub(super) fn numbers(self) -> (u64, u64) {
        (self.nanos, self.part.into())
    }

    /// How long after `earlier`, rounded up to nanoseconds; zero if it is not after.
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
