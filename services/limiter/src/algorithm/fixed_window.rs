//! A counter for each calendar window.

use std::time::Duration;

use super::{
    Fields, State,
    spacing::{counted, window_nanos},
};
use crate::{Limit, Standing};

/// The number of admissions in the current window; windows begin at multiples of their length since 1970.
///
/// Rule: a request of cost k fits if the window's count plus k is at most the limit.
/// Bound: 2 x requests in any window: all of one window at its end, and all of the next at its start.
/// Memory: 12 bytes of information a key.
///
/// Source: practice: a counter with an expiry, such as the `INCR` pattern in the documentation of Redis.
#[derive(Clone, Debug, Default)]
pub struct FixedWindow {
    /// The window's number since 1970.
    window: u64,
    used: u32,
}

impl FixedWindow {
    /// Moves to the current window, or to the next one if the clock went back before the state's window.
    fn advance(&mut self, limit: &Limit, now: u64) {
        let current = now / window_nanos(limit);
        if self.window < current {
            *self = Self { window: current, used: 0 };
        } else if self.window > current + 1 {
            // Used up for at least a whole window, so that the clock's jump back frees nothing early.
            *self = Self { window: current + 1, used: limit.requests() };
        }
    }

    fn end(&self, limit: &Limit, now: u64) -> Duration {
        Duration::from_nanos((self.window + 1) * window_nanos(limit) - now)
    }
}

impl State for FixedWindow {
    fn judge(&mut self, limit: &Limit, cost: u32, now: u64) -> Standing {
        self.advance(limit, now);
        let cost = counted(cost, limit.requests());
        let remaining = limit.requests().saturating_sub(self.used);
        let retry_after = (cost <= limit.requests()).then(|| self.end(limit, now));
        Standing {
            admits: cost <= remaining,
            remaining,
            more_after: Duration::ZERO,
            reset_after: if self.used == 0 { Duration::ZERO } else { self.end(limit, now) },
            retry_after: if cost <= remaining { Some(Duration::ZERO) } else { retry_after },
            wait: Duration::ZERO,
        }
    }

    fn charge(&mut self, limit: &Limit, cost: u32, now: u64) -> Duration {
        self.used += counted(cost, limit.requests());
        self.end(limit, now)
    }

    fn capacity(limit: &Limit) -> u32 {
        limit.requests()
    }

    /// The window's number since 1970, and its count.
    fn fields(&self) -> Fields {
        Fields([self.window, self.used.into(), 0])
    }

    fn from_fields(fields: Fields) -> Self {
        Self { window: fields.0[0], used: fields.0[1] as u32 }
    }

    fn bytes(&self) -> usize {
        0
    }
}
