//! What a limiter may admit, and has to admit, over many windows.
//!
//! Most algorithms admit more than the limit in some window, and less in some other: around an edge, after a pause. What
//! they may not do is to go on so. As in the oracle, only what is certain counts, wherever each decision fell.

use crate::clock::Nanos;

/// Counts the admissions that were certainly too many in the long run.
///
/// In any span a limiter admits at most what any window may hold, and its rate for as long as the span is: a counter of
/// windows that touches one window more than lie in the span, a bucket that was full when it began.
#[derive(Debug)]
pub(super) struct Surplus {
    /// What may come at once, on top of the rate.
    at_once: f64,
    /// Admissions in a nanosecond.
    rate: f64,
    /// Admissions of the busiest span that ends now, and when the first of them was sent.
    admitted: u64,
    since: Nanos,
    count: u64,
}

impl Surplus {
    pub(super) fn beyond(at_most: u64, in_the_long_run: u64, window: Nanos) -> Self {
        Self {
            // One more than a window may hold: what its edges divide is rounded.
            at_once: at_most as f64 + 1.0,
            rate: in_the_long_run as f64 / window.max(1) as f64,
            admitted: 0,
            since: 0,
            count: 0,
        }
    }

    /// Takes an admission, in the order of the replies.
    pub(super) fn admitted(&mut self, sent: Nanos, replied: Nanos) {
        let beyond =
            |admitted: u64, since: Nanos| admitted as f64 - self.rate * replied.saturating_sub(since) as f64;
        let since = self.since.min(sent);
        // The span goes on, or a new one begins: whichever is the busier.
        if self.admitted > 0 && beyond(self.admitted + 1, since) > beyond(1, sent) {
            (self.admitted, self.since) = (self.admitted + 1, since);
        } else {
            (self.admitted, self.since) = (1, sent);
        }
        if self.admitted as f64 - self.rate * replied.saturating_sub(self.since) as f64 > self.at_once {
            self.admitted -= 1;
            self.count += 1;
        }
    }

    /// How many were too many.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

/// Counts the admissions that a client certainly lacked in the long run.
///
/// While a client is refused again and again, it takes whatever room there is; so the limiter admits its rate, whatever
/// its algorithm: every window of the calendar is filled, every token taken. A stretch of refusals with no long pause is
/// held against that, less what may lie at its ends.
#[derive(Debug)]
pub(super) struct Shortage {
    /// What each window of a stretch has to hold: a tenth less than the limit, for a pause, and one, for rounding.
    least: f64,
    /// What may be missing at the ends of a stretch, or was admitted too early.
    slack: f64,
    window: Nanos,
    stretch: Option<Stretch>,
    /// Of the stretches before this one.
    count: u64,
}

#[derive(Debug)]
struct Stretch {
    /// When the reply of its first refusal came, and when its last was sent.
    from: Nanos,
    until: Nanos,
    /// What was admitted, or may have been, since.
    admitted: u64,
    lacking: u64,
}

impl Shortage {
    /// At `requests` in a window, of a limiter that admits `at_most` in any.
    pub(super) fn below(requests: u64, at_most: u64, window: Nanos) -> Self {
        let (requests, at_most) = (requests as f64, at_most as f64);
        Self { least: 0.9 * requests - 1.0, slack: at_most + 2.0 * requests, window, stretch: None, count: 0 }
    }

    /// Takes what was admitted, or may have been, in the order of the replies.
    pub(super) fn maybe_admitted(&mut self) {
        if let Some(stretch) = &mut self.stretch {
            stretch.admitted += 1;
        }
    }

    /// Takes a refusal, in the order of the replies, while at most `open` others of the same client were in flight.
    pub(super) fn refused(&mut self, sent: Nanos, replied: Nanos, open: usize) {
        let pause = self.window / 10;
        let is_part = |stretch: &&mut Stretch| replied.saturating_sub(stretch.until) <= pause;
        let Some(stretch) = self.stretch.as_mut().filter(is_part) else {
            self.count = self.count();
            self.stretch = Some(Stretch { from: replied, until: sent, admitted: 0, lacking: 0 });
            return;
        };
        stretch.until = stretch.until.max(sent);
        let windows = stretch.until.saturating_sub(stretch.from) as f64 / self.window.max(1) as f64;
        let had = stretch.admitted.saturating_add(open as u64) as f64;
        stretch.lacking = stretch.lacking.max((windows * self.least - self.slack - had).max(0.0) as u64);
    }

    /// How many were lacking.
    pub(super) fn count(&self) -> u64 {
        self.count + self.stretch.as_ref().map_or(0, |stretch| stretch.lacking)
    }
}

#[cfg(test)]
mod tests;
