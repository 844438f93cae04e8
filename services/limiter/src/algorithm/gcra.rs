//! The generic cell rate algorithm.

use std::time::Duration;

use super::{
    Fields, State,
    spacing::{Moment, Spacing, counted},
};
use crate::{Limit, Standing};

/// The theoretical arrival time (TAT) of the next request if all come evenly spaced; a request may come early
/// by `burst - 1` spacings.
///
/// Rule: with the emission interval T = window / requests (a spacing) and the TAT D, a request of cost k at t fits if
/// `max(D, t) + k T <= t + burst T`, and then D becomes `max(D, t) + k T`.
/// Bound: burst + requests - 1 in any window. Its decisions are those of the token bucket.
/// Memory: 12 bytes of information a key. An idle key needs no updates.
///
/// Source: virtual scheduling in ITU-T I.371 (annex A), with T - the increment - exact, and the limit tau =
/// (burst - 1) T.
#[derive(Clone, Debug, Default)]
pub struct Gcra {
    tat: Moment,
}

impl Gcra {
    /// Clamps the TAT to between `now` and a used-up key's TAT, and returns the latter.
    fn advance(&mut self, spacing: &Spacing, limit: &Limit, now: u64) -> Moment {
        // Walkthrough. A TAT in the past is a key with its whole burst; counting from `now` forgets the idle
        // time. A TAT of `now + burst T` is a used-up key. A later one is left by a clock that went back, and
        // counts as used up.
        let now = Moment::at(now);
        let furthest = spacing.after(now, limit.burst());
        self.tat = self.tat.clamp(now, furthest);
        furthest
    }
}

impl State for Gcra {
    fn judge(&mut self, limit: &Limit, cost: u32, now: u64) -> Standing {
        let (spacing, cost) = (Spacing::of(limit), counted(cost, limit.burst()));
        let furthest = self.advance(&spacing, limit, now);
        // The request moves the TAT by its cost; it fits if the new TAT is at most `furthest`. A refused
        // request leaves the TAT as it is, and fits after the excess has passed.
        let next = spacing.after(self.tat, cost);
        let retry_after = (cost <= limit.burst()).then(|| next.since(furthest));
        Standing {
            admits: next <= furthest,
            remaining: spacing.between(self.tat, furthest),
            more_after: Duration::ZERO,
            reset_after: self.tat.since_nanos(now),
            retry_after: if next <= furthest { Some(Duration::ZERO) } else { retry_after },
            wait: Duration::ZERO,
        }
    }

    fn charge(&mut self, limit: &Limit, cost: u32, now: u64) -> Duration {
        let spacing = Spacing::of(limit);
        self.advance(&spacing, limit, now);
        self.tat = spacing.after(self.tat, counted(cost, limit.burst()));
        self.tat.since_nanos(now)
    }

    fn capacity(limit: &Limit) -> u32 {
        limit.burst()
    }

    /// The TAT in nanoseconds, and its fraction of a nanosecond.
    fn fields(&self) -> Fields {
        let (nanos, part) = self.tat.numbers();
        Fields([nanos, part, 0])
    }

    fn from_fields(fields: Fields) -> Self {
        Self { tat: Moment::from_numbers(fields.0[0], fields.0[1]) }
    }

    fn bytes(&self) -> usize {
        0
    }
}
