//! An estimate of the sliding window from two counters.

use std::time::Duration;

use super::{
    Fields, State,
    spacing::{counted, divided, window_nanos},
};
use crate::{Limit, Standing};

/// The number of admissions in the current calendar window and in the previous one.
///
/// Rule: the previous window's count is taken as evenly spread and weighted by the part of that window that
/// the sliding window still covers; a request of cost k fits if this weight, the current count and k add up
/// to at most the limit.
/// Bound: 2 x requests - 1 in any window: all of the previous window's count may have come at its end. For
/// evenly spread requests the estimate is exact to one request.
/// Memory: 16 bytes of information a key.
/// Debt: the merged counts of several replicas may exceed the limit; the excess, up to one limit, carries
/// over to the next window. Up to that excess, the long-run rate is within the limit.
///
/// Source: practice: "How we built rate limiting capable of scaling to millions of domains", Cloudflare's blog, 2017.
#[derive(Clone, Debug, Default)]
pub struct SlidingCounter {
    /// The current window's number since 1970.
    window: u64,
    previous: u32,
    current: u32,
}

impl SlidingCounter {
    /// Moves to the current window, or to the next one if the clock went back before the state's window.
    fn advance(&mut self, limit: &Limit, now: u64) {
        let current = now / window_nanos(limit);
        if self.window > current + 1 {
            let used = limit.requests();
            *self = Self { window: current + 1, previous: used, current: used };
        }
        // After three windows every state is empty.
        for _ in 0..current.saturating_sub(self.window).min(3) {
            (self.previous, self.current) = handed_on(limit, self.current);
        }
        self.window = self.window.max(current);
    }

    /// Nanoseconds until the current window ends; more than a window if the clock went back.
    fn left(&self, limit: &Limit, now: u64) -> u64 {
        (self.window + 1) * window_nanos(limit) - now
    }

    /// The weighted count of the previous window, rounded up.
    fn in_sight(&self, limit: &Limit, now: u64) -> u32 {
        let window = window_nanos(limit);
        let left = self.left(limit, now).min(window);
        divided(u128::from(self.previous) * u128::from(left) + u128::from(window - 1), window) as u32
    }

    /// Nanoseconds until a cost within the limit fits.
    fn room_after(&self, limit: &Limit, cost: u32, now: u64) -> u64 {
        let window = window_nanos(limit);
        // The remaining time of the window at which the previous window's weighted count has fallen to
        // `room`.
        let sight = |room: u32, count: u32| divided(u128::from(room) * u128::from(window), count.into());
        let (mut left, mut previous, mut current) = (self.left(limit, now), self.previous, self.current);
        loop {
            if let Some(room) = (limit.requests() - cost).checked_sub(current) {
                return left.saturating_sub(sight(room, previous.max(1)));
            }
            left += window;
            (previous, current) = handed_on(limit, current);
        }
    }

    fn reset_after(&self, limit: &Limit, now: u64) -> Duration {
        let left = Duration::from_nanos(self.left(limit, now));
        match (self.current, self.previous) {
            (0, 0) => Duration::ZERO,
            (0, _) => left,
            (current, _) => left + limit.window() * current.div_ceil(limit.requests()).min(2),
        }
    }
}

/// The counts of the previous and the new window after one with `count` ended: the excess over the limit
/// carries over.
fn handed_on(limit: &Limit, count: u32) -> (u32, u32) {
    let requests = limit.requests();
    (count.min(requests), count.saturating_sub(requests).min(requests))
}

impl State for SlidingCounter {
    fn judge(&mut self, limit: &Limit, cost: u32, now: u64) -> Standing {
        self.advance(limit, now);
        let cost = counted(cost, limit.requests());
        let used = self.current.saturating_add(self.in_sight(limit, now));
        let remaining = limit.requests().saturating_sub(used);
        let room_after = || Duration::from_nanos(self.room_after(limit, cost, now));
        let retry_after = (cost <= limit.requests()).then(room_after);
        Standing {
            admits: cost <= remaining,
            remaining,
            more_after: Duration::ZERO,
            reset_after: self.reset_after(limit, now),
            retry_after: if cost <= remaining { Some(Duration::ZERO) } else { retry_after },
            wait: Duration::ZERO,
        }
    }

    fn charge(&mut self, limit: &Limit, cost: u32, now: u64) -> Duration {
        self.current += counted(cost, limit.requests());
        self.reset_after(limit, now)
    }

    fn capacity(limit: &Limit) -> u32 {
        limit.requests()
    }

    /// The current window's number since 1970, the previous count, and the current one.
    fn fields(&self) -> Fields {
        Fields([self.window, self.previous.into(), self.current.into()])
    }

    fn from_fields(fields: Fields) -> Self {
        let [window, previous, current] = fields.0;
        Self { window, previous: previous as u32, current: current as u32 }
    }

    fn bytes(&self) -> usize {
        0
    }
}
