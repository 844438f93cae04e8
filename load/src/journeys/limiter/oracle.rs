//! What an exact limiter would have said, as far as that is certain.
//!
//! A decision falls somewhere between the sending of its request and the arrival of its reply, and nobody outside knows
//! where. So what is said here holds wherever each decision fell: [`Excess`] never counts one admission too many, and
//! [`Room`] never calls a refusal false that may have been right. Slow replies make both say less, never more.
//!
//! The exact limiter is a sliding log: at most `most` admissions within any `window`, where two decisions lie within one
//! window if less than its length passes between them.
//!
//! Replies are told in their order. Memory is bounded by `most`, and by what happens within a window.

use std::collections::VecDeque;

use crate::clock::Nanos;

/// Counts the admissions that were certainly too many.
///
/// Admissions lie certainly within one window if less than its length passes from the first sending to the last reply.
/// The count is the least number of admissions without which no window would certainly hold more than `most`. Where one
/// has to go, it is the one that was sent last: it would lie in the windows to come for longest (taking away the interval
/// that ends last is optimal; Carlisle and Lloyd: "On the k-coloring of intervals", 1995).
#[derive(Debug)]
pub(super) struct Excess {
    most: usize,
    window: Nanos,
    /// When those admissions were sent that are left and may still share a window with the next reply, ascending.
    kept: VecDeque<Nanos>,
    count: u64,
}

impl Excess {
    pub(super) fn beyond(most: u64, window: Nanos) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self { most, window, kept: VecDeque::new(), count: 0 }
    }

    /// Takes an admission, in the order of the replies.
    pub(super) fn admitted(&mut self, sent: Nanos, replied: Nanos) {
        let is_past = |sent: Nanos| sent.saturating_add(self.window) <= replied;
        while self.kept.front().is_some_and(|&first| is_past(first)) {
            self.kept.pop_front();
        }
        if is_past(sent) {
            return;
        }
        insert(&mut self.kept, sent);
        if self.kept.len() > self.most {
            self.kept.pop_back();
            self.count += 1;
        }
    }

    /// How many were too many.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

/// How long the answer to a request may take, and how long a request without one may still be decided on: 10 s, five
/// times the sender's time-out. Refusals that took longer are not judged.
pub(super) const SLOWEST: Nanos = 10_000_000_000;

/// Tells refusals that were certainly false.
///
/// A window has certainly room if it is not full even with every admission that may lie in it, requests without an
/// answer and those still in flight included.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    window: Nanos,
    /// The last moments at which the latest admissions may have been decided, ascending, at most `most`.
    latest: VecDeque<Nanos>,
}

impl Room {
    pub(super) fn within(most: u64, window: Nanos) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self { most, window, latest: VecDeque::new() }
    }

    /// Takes what was admitted, or may have been, at `until` at the latest.
    pub(super) fn maybe_admitted(&mut self, until: Nanos) {
        insert(&mut self.latest, until);
        let kept_for = self.window.saturating_add(2 * SLOWEST);
        let is_past = |first: Nanos| first.saturating_add(kept_for) < until;
        while self.latest.len() > self.most || self.latest.front().is_some_and(|&first| is_past(first)) {
            self.latest.pop_front();
        }
    }

    /// Whether a request certainly had room at any moment between its sending and its reply, while at most `open`
    /// others of the same client were in flight.
    pub(super) fn was_certain(&self, sent: Nanos, replied: Nanos, open: usize) -> bool {
        if replied.saturating_sub(sent) > SLOWEST {
            return false;
        }
        let is_before = |until: Nanos| until.saturating_add(self.window) <= sent;
        let within = self.latest.len() - self.latest.partition_point(|&until| is_before(until));
        within.saturating_add(open) < self.most
    }
}

/// The most requests that a client sent within any window, or somewhat more: windows are laid end to end, and any other
/// window touches at most two neighbours.
#[derive(Debug)]
pub(super) struct Busyness {
    window: Nanos,
    nth: u64,
    /// Requests in the window before the present one, and in the present one.
    before: u64,
    now: u64,
    most: u64,
}

impl Busyness {
    pub(super) fn over(window: Nanos) -> Self {
        Self { window: window.max(1), nth: 0, before: 0, now: 0, most: 0 }
    }

    /// Takes a request.
    pub(super) fn sent(&mut self, at: Nanos) {
        let nth = at / self.window;
        if nth > self.nth {
            self.before = if nth == self.nth + 1 { self.now } else { 0 };
            (self.nth, self.now) = (nth, 0);
        }
        self.now += 1;
        self.most = self.most.max(self.before + self.now);
    }

    /// At least as many as any window held.
    pub(super) fn most(&self) -> u64 {
        self.most
    }
}

/// Keeps `ascending` in order; what comes is nearly always the last.
fn insert(ascending: &mut VecDeque<Nanos>, value: Nanos) {
    if ascending.back().is_none_or(|&last| last <= value) {
        ascending.push_back(value);
    } else {
        let at = ascending.partition_point(|&earlier| earlier <= value);
        ascending.insert(at, value);
    }
}

#[cfg(test)]
mod tests;
