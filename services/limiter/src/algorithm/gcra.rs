//! The generic cell rate algorithm.

use std::time::Duration;

use super::{
    Fields, State,
    pace::{Moment, Pace, counted},
};
use crate::{Limit, Standing};

/// The theoretical arrival time (TAT) of the next request if all come evenly spaced; a request may come early
/// by `burst - 1` spacings.
///
/// Rule: with the spacing T = window / requests and the TAT D, a request of cost k at t fits if
/// `max(D, t) + k T <= t + burst T`, and then D becomes `max(D, t) + k T`.
/// Bound: burst + requests - 1 in any window. Its decisions are those of the token bucket.
/// Memory: 12 bytes a key. An idle key needs no updates.
///
/// Source: virtual scheduling in ITU-T I.371 (annex A), with T - the increment - exact, and the limit tau =
/// (burst - 1) T.
#[derive(Clone, Debug, Default)]
pub struct Gcra {
    due: Moment,
}

impl Gcra {
    /// Clamps the TAT to between `now` and a used-up key's TAT, and returns the latter.
    fn advance(&mut self, pace: &Pace, limit: &Limit, now: u64) -> Moment {
        // Walkthrough. A TAT in the past is a key with its whole burst; counting from `now` forgets the idle
        // time. A TAT of `now + burst T` is a used-up key. A later one is left by a clock that went back, and
        // counts as used up.
        let now = Moment::at(now);
        let furthest = pace.after(now, limit.burst());
        self.due = self.due.clamp(now, furthest);
        furthest
    }
}

impl State for Gcra {
    fn look(&mut self, limit: &Limit, cost: u32, now: u64) -> Standing {
        let (pace, cost) = (Pace::of(limit), counted(cost, limit.burst()));
        let furthest = self.advance(&pace, limit, now);
        // The request moves the TAT by its cost; it fits if the new TAT is at most `furthest`. A refused
        // request leaves the TAT as it is, and fits after the excess has passed.
        let next = pace.after(self.due, cost);
        let retry_after = (cost <= limit.burst()).then(|| next.since(furthest));
        Standing {
            admits: next <= furthest,
            remaining: pace.spacings(self.due, furthest),
            more_after: Duration::ZERO,
            reset_after: self.due.since_nanos(now),
            retry_after: if next <= furthest { Some(Duration::ZERO) } else { retry_after },
            wait: Duration::ZERO,
        }
    }

    fn charge(&mut self, limit: &Limit, cost: u32, now: u64) -> Duration {
        let pace = Pace::of(limit);
        self.advance(&pace, limit, now);
        self.due = pace.after(self.due, counted(cost, limit.burst()));
        self.due.since_nanos(now)
    }

    fn capacity(limit: &Limit) -> u32 {
        limit.burst()
    }

    /// The TAT in nanoseconds, and its fraction of a nanosecond.
    fn fields(&self) -> Fields {
        let (nanos, part) = self.due.numbers();
        Fields([nanos, part, 0])
    }

    fn from_fields(fields: Fields) -> Self {
        Self { due: Moment::from_numbers(fields.0[0], fields.0[1]) }
    }

    fn bytes(&self) -> usize {
        0
    }
}
