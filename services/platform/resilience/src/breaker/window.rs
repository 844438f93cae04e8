//! The sliding window over which a breaker takes its rates.

use std::time::{Duration, Instant};

use crate::settings::{BUCKETS, WindowSettings};

/// What a window counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that ended with an outcome.
    pub calls: u32,
    /// Of these, the failed ones.
    pub failed: u32,
    /// Of these, the slow ones, failed or not.
    pub slow: u32,
}

impl Counts {
    fn of(has_failed: bool, is_slow: bool) -> Self {
        Self { calls: 1, failed: has_failed.into(), slow: is_slow.into() }
    }

    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.failed += other.failed;
        self.slow += other.slow;
    }

    fn remove(&mut self, other: Self) {
        self.calls -= other.calls;
        self.failed -= other.failed;
        self.slow -= other.slow;
    }

    /// The share of failed calls; zero without calls.
    pub fn failure_rate(self) -> f64 {
        f64::from(self.failed) / f64::from(self.calls.max(1))
    }

    /// The share of slow calls; zero without calls.
    pub fn slow_rate(self) -> f64 {
        f64::from(self.slow) / f64::from(self.calls.max(1))
    }
}

/// Slots in a ring, and their sum: a slot is a call, or a part of the window by time.
#[derive(Clone, Debug)]
pub(super) struct Window {
    slots: Box<[Counts]>,
    current: usize,
    sum: Counts,
    /// The duration of a slot, and the start of the current one; `None` if a slot is a call.
    time: Option<(Duration, Instant)>,
}

impl Window {
    pub(super) fn new(settings: WindowSettings, now: Instant) -> Self {
        let (slots, time) = match settings {
            WindowSettings::Calls(calls) => (calls.max(1), None),
            WindowSettings::Time(time) => {
                let width = (time / BUCKETS as u32).max(Duration::from_nanos(1));
                (BUCKETS, Some((width, now)))
            }
        };
        Self { slots: vec![Counts::default(); slots].into(), current: 0, sum: Counts::default(), time }
    }

    pub(super) fn clear(&mut self, now: Instant) {
        self.slots.fill(Counts::default());
        self.sum = Counts::default();
        self.time = self.time.map(|(width, _)| (width, now));
    }

    pub(super) fn record(&mut self, now: Instant, has_failed: bool, is_slow: bool) {
        if self.time.is_some() {
            self.pass(now);
        } else {
            self.step();
        }
        let counts = Counts::of(has_failed, is_slow);
        self.slots[self.current].add(counts);
        self.sum.add(counts);
    }

    pub(super) fn counts(&mut self, now: Instant) -> Counts {
        self.pass(now);
        self.sum
    }

    /// Drops the slots that `now` left behind. A `now` before the current slot, which two threads can cause,
    /// drops none.
    fn pass(&mut self, now: Instant) {
        let Some((width, began)) = self.time else { return };
        let passed = now.saturating_duration_since(began).as_nanos() / width.as_nanos();
        if passed >= self.slots.len() as u128 {
            return self.clear(now);
        }
        for _ in 0..passed {
            self.step();
        }
        self.time = Some((width, began + width * passed as u32));
    }

    fn step(&mut self) {
        self.current = (self.current + 1) % self.slots.len();
        self.sum.remove(std::mem::take(&mut self.slots[self.current]));
    }
}
