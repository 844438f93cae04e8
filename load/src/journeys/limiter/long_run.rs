//! Bounds over many windows.
//!
//! Most algorithms admit more than the limit in some windows and less in others: around a window's edge,
//! after a pause. They must not do so continuously. As in the oracle, only certain excess counts, wherever
//! each decision fell within its request's time.

use crate::clock::Nanos;

/// Counts the admissions that were certainly too many in the long run.
///
/// In any span a limiter admits at most one window's maximum plus its rate times the span: a window counter
/// may touch one window more than lie in the span, and a bucket may be full when the span begins.
#[derive(Debug)]
pub(super) struct Surplus {
    /// The admissions possible at once, on top of the rate.
    at_once: f64,
    /// Admissions a nanosecond.
    rate: f64,
    /// The admissions of the busiest span that ends now, and the send time of the first of them.
    admitted: u64,
    since: Nanos,
    count: u64,
}

impl Surplus {
    pub(super) fn beyond(at_most: u64, in_the_long_run: u64, window: Nanos) -> Self {
        Self {
            // One more than a window's maximum, because a window's edge divides counts with rounding.
            at_once: at_most as f64 + 1.0,
            rate: in_the_long_run as f64 / window.max(1) as f64,
            admitted: 0,
            since: 0,
            count: 0,
        }
    }

    /// Adds an admission, in the order of the replies.
    pub(super) fn admitted(&mut self, sent: Nanos, replied: Nanos) {
        let beyond =
            |admitted: u64, since: Nanos| admitted as f64 - self.rate * replied.saturating_sub(since) as f64;
        let since = self.since.min(sent);
        // Extend the span or start a new one, whichever is busier (a maximum-subarray scan).
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

    /// The admissions that were too many.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

/// Counts the admissions that a client certainly lacked in the long run.
///
/// A client that is refused again and again takes all available room, so under any algorithm the limiter
/// admits at its rate: every calendar window is filled, every token taken. Each stretch of refusals without a
/// long pause is compared with that, less an allowance for its ends.
#[derive(Debug)]
pub(super) struct Shortage {
    /// The minimum of each window in a stretch: a tenth less than the limit, for pauses, and one less for
    /// rounding.
    least: f64,
    /// The allowance for the ends of a stretch, and for earlier admissions.
    slack: f64,
    window: Nanos,
    stretch: Option<Stretch>,
    /// The count of earlier stretches.
    count: u64,
}

#[derive(Debug)]
struct Stretch {
    /// The reply time of the stretch's first refusal, and the send time of its last.
    from: Nanos,
    until: Nanos,
    /// The certain and possible admissions in the stretch.
    admitted: u64,
    lacking: u64,
}

impl Shortage {
    /// For `requests` in a window, and a limiter that admits up to `at_most` in any window.
    pub(super) fn below(requests: u64, at_most: u64, window: Nanos) -> Self {
        let (requests, at_most) = (requests as f64, at_most as f64);
        Self { least: 0.9 * requests - 1.0, slack: at_most + 2.0 * requests, window, stretch: None, count: 0 }
    }

    /// Adds a certain or possible admission, in the order of the replies.
    pub(super) fn maybe_admitted(&mut self) {
        if let Some(stretch) = &mut self.stretch {
            stretch.admitted += 1;
        }
    }

    /// Adds a refusal, in the order of the replies, with at most `open` other requests of the client in
    /// flight.
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

    /// The admissions that were lacking.
    pub(super) fn count(&self) -> u64 {
        self.count + self.stretch.as_ref().map_or(0, |stretch| stretch.lacking)
    }
}

#[cfg(test)]
mod tests;
