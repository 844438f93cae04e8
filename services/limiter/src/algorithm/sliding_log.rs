//! A sliding window, from a log.

use std::{collections::VecDeque, time::Duration};

use super::{
    Fields, State,
    pace::{counted, window_nanos},
};
use crate::{Limit, Standing};

/// When each request of the last window was admitted.
///
/// Rule: a request of cost k at t has room if what was admitted after `t - window` and k are at most the limit.
/// Bound: as many as the limit has, in any window. This is what the others are held against.
/// Memory: 16 bytes for each admitted request that is in sight, of each key.
///
/// Source: practice: the sorted set of time stamps in "Better rate limiting with Redis sorted sets", Peter Hayes, 2015,
/// there with a key's refused requests as well; here a refused one leaves nothing.
#[derive(Clone, Debug, Default)]
pub struct SlidingLog {
    /// Moments, ascending, and what was admitted at each.
    admitted: VecDeque<(u64, u32)>,
    used: u32,
}

impl SlidingLog {
    /// Forgets what is out of sight; the moment as this key sees it, which never goes back by itself.
    fn advance(&mut self, limit: &Limit, now: u64) -> u64 {
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

    /// When so much of what is in sight will be out of it.
    fn gone(&self, limit: &Limit, mut cost: u32) -> u64 {
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
    fn look(&mut self, limit: &Limit, cost: u32, now: u64) -> Standing {
        self.advance(limit, now);
        let cost = counted(cost, limit.requests());
        let remaining = limit.requests().saturating_sub(self.used);
        let gone = || self.gone(limit, cost.saturating_sub(remaining)).saturating_sub(now);
        let retry_after = (cost <= limit.requests()).then(|| Duration::from_nanos(gone()));
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

    /// When the newest was admitted, and how much is in sight: no whole log fits, so all is told as if it were as new.
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
