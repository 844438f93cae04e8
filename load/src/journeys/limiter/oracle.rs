//! The decisions of an exact limiter, as far as they are certain.
//!
//! A decision falls somewhere between the sending of its request and the arrival of its reply; an observer
//! does not know when. So these claims hold wherever each decision fell: [`Excess`] never counts an admission
//! too many, and [`Room`] never calls a refusal false that may have been right. With slow replies both claim
//! less, never more.
//!
//! The exact limiter is a sliding log: at most `most` admissions within any `window`. Two decisions lie
//! within one window if less than its length passes between them.
//!
//! Calls come in the order of the replies. Memory is bounded by `most`, and by the requests within a window.

use std::collections::VecDeque;

use crate::clock::Nanos;

/// Counts the admissions that were certainly too many.
///
/// Admissions certainly lie within one window if less than its length passes from the first sending to the
/// last reply.
/// The count is the smallest number of admissions whose removal leaves no window that certainly holds more
/// than `most`. A scan removes the admission that was sent last, because it would stay in future windows the
/// longest (removing the interval that ends last is optimal; Carlisle and Lloyd: "On the k-coloring of
/// intervals", 1995).
#[derive(Debug)]
pub(super) struct Excess {
    most: usize,
    window: Nanos,
    /// The send times of the remaining admissions that may share a window with the next reply, ascending.
    kept: VecDeque<Nanos>,
    count: u64,
}

impl Excess {
    pub(super) fn beyond(most: u64, window: Nanos) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self { most, window, kept: VecDeque::new(), count: 0 }
    }

    /// Adds an admission, in the order of the replies.
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

    /// The admissions that were too many.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

/// The longest time until a reply, and the longest time for which a request without one may still be decided:
/// 10 s, five times the sender's time-out. Slower refusals are not judged.
pub(super) const SLOWEST: Nanos = 10_000_000_000;

/// Finds refusals that were certainly false.
///
/// A window certainly has room if it is not full even with all admissions that may lie in it, including
/// requests without a reply and requests in flight.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    window: Nanos,
    /// The latest possible decision times of the most recent admissions, ascending, at most `most`.
    latest: VecDeque<Nanos>,
}

impl Room {
    pub(super) fn within(most: u64, window: Nanos) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self { most, window, latest: VecDeque::new() }
    }

    /// Adds a certain or possible admission, decided at `until` at the latest.
    pub(super) fn maybe_admitted(&mut self, until: Nanos) {
        insert(&mut self.latest, until);
        let kept_for = self.window.saturating_add(2 * SLOWEST);
        let is_past = |first: Nanos| first.saturating_add(kept_for) < until;
        while self.latest.len() > self.most || self.latest.front().is_some_and(|&first| is_past(first)) {
            self.latest.pop_front();
        }
    }

    /// Whether a request certainly had room at some time between its sending and its reply, with at most
    /// `open` other requests of the client in flight.
    pub(super) fn was_certain(&self, sent: Nanos, replied: Nanos, open: usize) -> bool {
        if replied.saturating_sub(sent) > SLOWEST {
            return false;
        }
        let is_before = |until: Nanos| until.saturating_add(self.window) <= sent;
        let within = self.latest.len() - self.latest.partition_point(|&until| is_before(until));
        within.saturating_add(open) < self.most
    }
}

/// An upper bound on the requests that a client sent within any window: windows are laid end to end, and any
/// other window overlaps at most two of them.
#[derive(Debug)]
pub(super) struct Busyness {
    window: Nanos,
    nth: u64,
    /// The requests of the previous window, and of the current one.
    before: u64,
    now: u64,
    most: u64,
}

impl Busyness {
    pub(super) fn over(window: Nanos) -> Self {
        Self { window: window.max(1), nth: 0, before: 0, now: 0, most: 0 }
    }

    /// Adds a request.
    pub(super) fn sent(&mut self, at: Nanos) {
        let nth = at / self.window;
        if nth > self.nth {
            self.before = if nth == self.nth + 1 { self.now } else { 0 };
            (self.nth, self.now) = (nth, 0);
        }
        self.now += 1;
        self.most = self.most.max(self.before + self.now);
    }

    /// The upper bound.
    pub(super) fn most(&self) -> u64 {
        self.most
    }
}

/// Inserts into an ascending list; the new value is nearly always the last.
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
