//! A queue that releases requests at a steady rate.

use std::time::Duration;

use super::{
    Fields, State,
    spacing::{Moment, Spacing, counted},
};
use crate::{Limit, Standing};

/// The longest wait in any queue: a waiting request holds memory and a connection.
pub const MAX_WAIT: Duration = Duration::from_secs(1);

/// The time at which the queue releases the next request; a new queue releases it at once.
///
/// Rule: with the spacing T = window / requests, a request of cost k takes k spacings and is released with
/// the last of them; it fits if that is within `burst` spacings and within [`MAX_WAIT`].
/// Bound: of requests that leave the queue, at most the limit in any window (a cost of k leaves all at once:
/// k - 1 more).
/// Of requests that enter it, `burst` more.
/// Memory: 12 bytes of information a key; the waiting requests themselves are the queue.
///
/// Source: the bucket as a queue, Turner, "New directions in communications", 1986; Tanenbaum, *Computer Networks*;
/// practice: `limit_req` of nginx with a `burst`.
#[derive(Clone, Debug, Default)]
pub struct LeakyBucket {
    free: Moment,
}

impl LeakyBucket {
    /// Advances the state to `now`; returns the latest release time that a request arriving now may get.
    fn advance(&mut self, spacing: &Spacing, limit: &Limit, now: u64) -> Moment {
        let longest = Moment::at(now.saturating_add(MAX_WAIT.as_nanos() as u64));
        let now = Moment::at(now);
        let latest = spacing.after(now, limit.burst()).min(longest);
        self.free = self.free.clamp(now, spacing.after(latest, 1));
        latest
    }
}

impl State for LeakyBucket {
    fn judge(&mut self, limit: &Limit, cost: u32, now: u64) -> Standing {
        let (spacing, behind) = (Spacing::of(limit), counted(cost, limit.burst() + 1) - 1);
        let latest = self.advance(&spacing, limit, now);
        let leaves = spacing.after(self.free, behind);
        let admits = leaves <= latest;
        let fits = behind <= spacing.between(Moment::at(now), latest);
        let retry_after = fits.then(|| leaves.since(latest));
        Standing {
            admits,
            remaining: if self.free <= latest { spacing.between(self.free, latest) + 1 } else { 0 },
            more_after: Duration::ZERO,
            reset_after: self.free.since_nanos(now),
            retry_after: if admits { Some(Duration::ZERO) } else { retry_after },
            wait: if admits { leaves.since_nanos(now) } else { Duration::ZERO },
        }
    }

    fn charge(&mut self, limit: &Limit, cost: u32, now: u64) -> Duration {
        let spacing = Spacing::of(limit);
        self.advance(&spacing, limit, now);
        self.free = spacing.after(self.free, counted(cost, limit.burst() + 1));
        self.free.since_nanos(now)
    }

    fn capacity(limit: &Limit) -> u32 {
        Self::default().judge(limit, 1, 0).remaining
    }

    /// The release time in nanoseconds, and its fraction of a nanosecond.
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
