//! A queue that lets requests out evenly.

use std::time::Duration;

use super::{
    Fields, State,
    pace::{Moment, Pace, counted},
};
use crate::{Limit, Standing};

/// The longest that a request waits in any queue: whoever has it in hand keeps memory and a connection for it.
pub const MAX_WAIT: Duration = Duration::from_secs(1);

/// The moment at which the queue lets the next request out; a fresh one does so at once.
///
/// Rule: with the spacing T = window / requests, a request of cost k is let out with the last of k spacings in the queue;
/// it has room if that is within `burst` spacings and within [`MAX_WAIT`].
/// Bound: of requests that leave: as many as the limit has in any window (a cost of k leaves all at once: k - 1 more).
/// Of those that are let in: burst more.
/// Memory: 12 bytes a key: the queue itself is the requests that wait.
///
/// Source: the bucket as a queue, Turner, "New directions in communications", 1986; Tanenbaum, *Computer Networks*;
/// practice: `limit_req` of nginx with a `burst`.
#[derive(Clone, Debug, Default)]
pub struct LeakyBucket {
    free: Moment,
}

impl LeakyBucket {
    /// Makes the state speak of now; the latest moment at which a request that comes now may leave.
    fn advance(&mut self, pace: &Pace, limit: &Limit, now: u64) -> Moment {
        let longest = Moment::at(now.saturating_add(MAX_WAIT.as_nanos() as u64));
        let now = Moment::at(now);
        let latest = pace.after(now, limit.burst()).min(longest);
        self.free = self.free.clamp(now, pace.after(latest, 1));
        latest
    }
}

impl State for LeakyBucket {
    fn look(&mut self, limit: &Limit, cost: u32, now: u64) -> Standing {
        let (pace, behind) = (Pace::of(limit), counted(cost, limit.burst() + 1) - 1);
        let latest = self.advance(&pace, limit, now);
        let leaves = pace.after(self.free, behind);
        let admits = leaves <= latest;
        let fits = behind <= pace.spacings(Moment::at(now), latest);
        let retry_after = fits.then(|| leaves.since(latest));
        Standing {
            admits,
            remaining: if self.free <= latest { pace.spacings(self.free, latest) + 1 } else { 0 },
            more_after: Duration::ZERO,
            reset_after: self.free.since_nanos(now),
            retry_after: if admits { Some(Duration::ZERO) } else { retry_after },
            wait: if admits { leaves.since_nanos(now) } else { Duration::ZERO },
        }
    }

    fn charge(&mut self, limit: &Limit, cost: u32, now: u64) -> Duration {
        let pace = Pace::of(limit);
        self.advance(&pace, limit, now);
        self.free = pace.after(self.free, counted(cost, limit.burst() + 1));
        self.free.since_nanos(now)
    }

    fn capacity(limit: &Limit) -> u32 {
        Self::default().look(limit, 1, 0).remaining
    }

    /// When the next request would leave: nanoseconds, and the part of one.
    fn fields(&self) -> Fields {
        let (nanos, part) = self.free.numbers();
        Fields([nanos, part, 0])
    }

    fn from_fields(fields: Fields) -> Self {
        Self { free: Moment::from_numbers(fields.0[0], fields.0[1]) }
    }

    fn bytes(&self) -> usize {
        0
    }
}
