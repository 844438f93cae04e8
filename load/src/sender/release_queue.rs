//! The release times of a schedule's operations: their due times, except in a crowd.
//!
//! Each send wakes the receiver, and at tens of thousands a second these wake-ups are most of the generator's
//! cost. So a crowd, [`CROWD`] operations due within [`GATHER`], is released together.
//! With Poisson arrivals of 5,000 a second, one operation in 12,000 begins a crowd; at 65,000 nearly every
//! batch is a crowd.
//! Latency still counts from the due time, so the delay of gathering is in the latencies and in the send lag.

use std::{collections::VecDeque, time::Duration};

use crate::clock::{self, Nanos};

/// The number of operations in a crowd.
const CROWD: usize = 8;
/// The time within which a crowd's operations are due, and so the most that gathering adds to a send lag.
const GATHER: Duration = Duration::from_micros(200);

/// Ascending due times, with look-ahead.
pub(crate) struct ReleaseQueue<I> {
    source: I,
    /// The next due times: as many as a crowd has, if there are so many left.
    ahead: VecDeque<Nanos>,
    release: Option<Nanos>,
}

impl<I: Iterator<Item = Nanos>> ReleaseQueue<I> {
    pub(crate) fn new(source: I) -> Self {
        let mut dues = Self { source, ahead: VecDeque::with_capacity(CROWD), release: None };
        dues.look_ahead();
        dues.gather();
        dues
    }

    /// The release time of the next operation; `None` if there is none left.
    pub(crate) fn release(&self) -> Option<Nanos> {
        self.release
    }

    /// Passes the due times of the operations released at `now` to `each`.
    pub(crate) fn take(&mut self, now: Nanos, mut each: impl FnMut(Nanos)) {
        if self.release.is_none_or(|release| release > now) {
            return;
        }
        while let Some(&due) = self.ahead.front()
            && due <= now
        {
            self.ahead.pop_front();
            self.look_ahead();
            each(due);
        }
        self.gather();
    }

    /// Drops the remaining operations.
    pub(crate) fn end(&mut self) {
        self.ahead.clear();
        self.release = None;
    }

    fn look_ahead(&mut self) {
        while self.ahead.len() < CROWD
            && let Some(due) = self.source.next()
        {
            self.ahead.push_back(due);
        }
    }

    fn gather(&mut self) {
        self.release = self.ahead.front().map(|&first| {
            let gathered = first.saturating_add(clock::nanos(GATHER));
            let crowd = self.ahead.len() == CROWD && self.ahead.back().is_some_and(|&last| last <= gathered);
            if crowd { gathered } else { first }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Nanos = 1_000;

    fn released(dues: &[Nanos]) -> Vec<(Nanos, Vec<Nanos>)> {
        let mut dues = ReleaseQueue::new(dues.iter().copied());
        let mut batches = Vec::new();
        while let Some(release) = dues.release() {
            let mut batch = Vec::new();
            dues.take(release, |due| batch.push(due));
            batches.push((release, batch));
        }
        batches
    }

    #[test]
    fn what_is_due_apart_leaves_when_it_is_due() {
        let dues = [0, 40 * US, 80 * US, 120 * US, 160 * US, 200 * US];
        assert_eq!(released(&dues), dues.map(|due| (due, vec![due])));
    }

    #[test]
    fn a_crowd_leaves_together_and_what_follows_it_does_not_wait() {
        let dues = [0, 10 * US, 20 * US, 30 * US, 95 * US, 150 * US, 190 * US, 200 * US, 300 * US];
        assert_eq!(released(&dues), [(200 * US, dues[..8].to_vec()), (300 * US, vec![300 * US])]);
    }

    #[test]
    fn the_last_few_are_no_crowd() {
        let dues = [0, 10 * US, 20 * US];
        assert_eq!(released(&dues), dues.map(|due| (due, vec![due])));
    }

    #[test]
    fn nothing_leaves_before_its_release_and_nothing_after_the_end() {
        let mut dues = ReleaseQueue::new([0, US, 2 * US, 3 * US, 4 * US, 5 * US, 6 * US, 7 * US].into_iter());
        dues.take(50 * US, |_| panic!("the crowd is not released yet"));
        dues.end();
        assert_eq!(dues.release(), None);
        dues.take(Nanos::MAX, |_| panic!("the rest was forgotten"));
    }
}
