//! An exact sliding window, from a log of admissions.

use std::{collections::VecDeque, time::Duration};

use super::{
    Fields, State,
    spacing::{counted, window_nanos},
};
use crate::{Limit, Standing};

/// The admission times of the last window.
///
/// Rule: a request of cost k at t fits if what was admitted after `t - window` plus k is at most the limit.
/// Bound: the limit, in any window. The other algorithms are compared with this one.
/// Memory: 16 bytes for each admission in the window, for each key.
///
/// Source: practice: the sorted set of time stamps in "Better rate limiting with Redis sorted sets", Peter
/// Hayes, 2015, which logs refused requests as well; here a refused request leaves no entry.
#[derive(Clone, Debug, Default)]
pub struct SlidingLog {
    /// Admission times, ascending, each with the cost admitted at that time.
    admitted: VecDeque<(u64, u32)>,
    used: u32,
}

impl SlidingLog {
    /// Drops the entries that have left the window; returns `now`, or the newest entry's time if the clock
    /// went back a little.
    fn advance(&mut self, limit: &Limit, now: u64) -> u64 {
        // Walkthrough. The clock may have left_at back. If the newest entry is more than a window ahead of it,
        // the log is replaced by a single full entry: the key is used up for one window. If the entry is only
        // a little ahead, the log goes on from the entry's time, so its times stay ascending. An entry at t
        // leaves the window at `t + window` exactly.
        let window = window_nanos(limit);
        let newest = self.admitted.back().map_or(0, |entry| entry.0);
        if newest > now.saturating_add(window) {
            self.admitted.clear();
            self.admitted.push_back((now, limit.requests()));
            self.used = limit.requests();
            return now;
        }
        let now = now.max(newest);
        while let Some((_, cost)) = self.admitted.pop_front_if(|entry| entry.0.saturating_add(window) <= now)
        {
            self.used = self.used.saturating_sub(cost);
        }
        now
    }

    /// The time at which this much of the log will have left the window.
    fn left_at(&self, limit: &Limit, mut cost: u32) -> u64 {
        let leaves = self.admitted.iter().find(|entry| {
            cost = cost.saturating_sub(entry.1);
            cost == 0
        });
        leaves.map_or(0, |entry| entry.0.saturating_add(window_nanos(limit)))
    }

    fn reset_after(&self, limit: &Limit, now: u64) -> Duration {
        let end = self.admitted.back().map_or(0, |entry| entry.0.saturating_add(window_nanos(limit)));
        Duration::from_nanos(end.saturating_sub(now))
    }
}

impl State for SlidingLog {
    fn judge(&mut self, limit: &Limit, cost: u32, now: u64) -> Standing {
        self.advance(limit, now);
        let cost = counted(cost, limit.requests());
        let remaining = limit.requests().saturating_sub(self.used);
        let missing = cost.saturating_sub(remaining);
        let until_left = || self.left_at(limit, missing).saturating_sub(now);
        let retry_after = (cost <= limit.requests()).then(|| Duration::from_nanos(until_left()));
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
        let (seen, cost) = (self.advance(limit, now), counted(cost, limit.requests()));
        self.used += cost;
        match self.admitted.back_mut().filter(|newest| newest.0 == seen) {
            Some(newest) => newest.1 += cost,
            None => self.admitted.push_back((seen, cost)),
        }
        self.reset_after(limit, now)
    }

    fn capacity(limit: &Limit) -> u32 {
        limit.requests()
    }

    /// The newest admission time and the sum of the log. A whole log does not fit into `Fields`, so all
    /// entries count as the newest; the result refuses longer, never less.
    fn fields(&self) -> Fields {
        Fields([self.admitted.back().map_or(0, |entry| entry.0), self.used.into(), 0])
    }

    fn from_fields(fields: Fields) -> Self {
        let [newest, used, _] = fields.0;
        let used = used as u32;
        let admitted = if used > 0 { VecDeque::from([(newest, used)]) } else { VecDeque::new() };
        Self { admitted, used }
    }

    fn bytes(&self) -> usize {
        self.admitted.capacity() * size_of::<(u64, u32)>()
    }
}
