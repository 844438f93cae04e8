//! A bucket that fills at a steady rate.

use std::time::Duration;

use super::{
    Fields, State,
    spacing::{Moment, Spacing, counted},
};
use crate::{Limit, Standing};

/// The number of tokens and the time of the latest one; a new bucket is full.
///
/// Rule: one token arrives every `window / requests`, up to `burst`; a request of cost k fits if there are k
/// tokens, and takes them.
/// Bound: burst + requests - 1 in any window: a full bucket, and the tokens that arrive in the window.
/// Memory: 16 bytes of information a key.
///
/// Source: Turner, "New directions in communications", 1986, with its counter inverted; RFC 2697 has the
/// same.
#[derive(Clone, Debug, Default)]
pub struct TokenBucket {
    /// The time at which the latest token arrived, or the bucket was full.
    at: Moment,
    /// The tokens missing from a full bucket.
    missing: u32,
}

impl TokenBucket {
    /// Adds the tokens that arrived until now; removes tokens if the clock went back.
    fn refill(&mut self, spacing: &Spacing, limit: &Limit, now: u64) {
        let now = Moment::at(now);
        let ahead = spacing.between_rounded_up(now, self.at);
        let come = spacing.between(self.at, now);
        if u64::from(self.missing) + u64::from(ahead) > u64::from(limit.burst()) {
            *self = Self { at: now, missing: limit.burst() };
        } else if ahead > 0 {
            *self = Self { at: spacing.before(self.at, ahead), missing: self.missing + ahead };
        } else if come >= self.missing {
            *self = Self { at: now, missing: 0 };
        } else {
            *self = Self { at: spacing.after(self.at, come), missing: self.missing - come };
        }
    }
}

impl State for TokenBucket {
    fn judge(&mut self, limit: &Limit, cost: u32, now: u64) -> Standing {
        let (spacing, cost) = (Spacing::of(limit), counted(cost, limit.burst()));
        self.refill(&spacing, limit, now);
        let tokens = limit.burst() - self.missing;
        let wanting = spacing.after(self.at, cost.saturating_sub(tokens)).since_nanos(now);
        let retry_after = (cost <= limit.burst()).then_some(wanting);
        Standing {
            admits: cost <= tokens,
            remaining: tokens,
            more_after: Duration::ZERO,
            reset_after: spacing.after(self.at, self.missing).since_nanos(now),
            retry_after: if cost <= tokens { Some(Duration::ZERO) } else { retry_after },
            wait: Duration::ZERO,
        }
    }

    fn charge(&mut self, limit: &Limit, cost: u32, now: u64) -> Duration {
        let spacing = Spacing::of(limit);
        self.refill(&spacing, limit, now);
        self.missing += counted(cost, limit.burst());
        spacing.after(self.at, self.missing).since_nanos(now)
    }

    fn capacity(limit: &Limit) -> u32 {
        limit.burst()
    }

    /// The time of the latest token, in nanoseconds and a fraction of one; and the number of missing tokens.
    fn fields(&self) -> Fields {
        let (nanos, part) = self.at.numbers();
        Fields([nanos, part, self.missing.into()])
    }

    fn from_fields(fields: Fields) -> Self {
        let [nanos, part, missing] = fields.0;
        Self { at: Moment::from_numbers(nanos, part), missing: missing as u32 }
    }

    fn bytes(&self) -> usize {
        0
    }
}
