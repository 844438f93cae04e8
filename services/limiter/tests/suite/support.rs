//! The vocabulary of these tests.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use contract::Ticks;
use limiter::{Algorithm, Capacity, Limit, LocalCounts, Standing};
use proptest::prelude::*;

pub(crate) use crate::ticks::{START, SetTicks};

pub(crate) const SECOND: u64 = 1_000_000_000;

/// A limit of this many requests a second, with no limit on bursts.
pub(crate) fn a_second(requests: u64) -> Limit {
    Limit::new(requests, Duration::from_secs(1), None).unwrap()
}

/// Local counts and their clock.
pub(crate) fn counts(algorithm: Algorithm, capacity: Capacity) -> (LocalCounts, Arc<SetTicks>) {
    let clock = Arc::new(SetTicks::default());
    clock.set(START);
    (LocalCounts::new(algorithm, capacity, [7; 16], Arc::clone(&clock) as Arc<dyn Ticks>), clock)
}

/// One key under one limit.
pub(crate) struct Subject {
    counts: LocalCounts,
    clock: Arc<SetTicks>,
    limit: Limit,
}

impl Subject {
    pub(crate) fn new(algorithm: Algorithm, limit: Limit) -> Self {
        let (counts, clock) = counts(algorithm, Capacity { keys: 1, ..Capacity::default() });
        Self { counts, clock, limit }
    }

    /// Takes a request at a time; returns its standing.
    pub(crate) fn ask(&self, now: u64, cost: u32) -> Standing {
        self.clock.set(now);
        self.counts.take_one("the key", &self.limit, cost).unwrap()
    }

    /// The number of requests that pass, out of `requests` at one time.
    pub(crate) fn admitted(&self, now: u64, requests: u32) -> u32 {
        (0..requests).filter(|_| self.ask(now, 1).admits).count() as u32
    }
}

/// The output of a future that never waits.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

/// A request: the time since the previous one, and its cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) gap: u64,
    pub(crate) cost: u32,
}

/// Small limits with windows that do not divide evenly, so that rounding errors show.
pub(crate) fn limits() -> impl Strategy<Value = Limit> {
    let window = prop_oneof![Just(1_000_000), 1_000_000..2_000_000_000_u64];
    (1..=12_u64, window, 1..=12_u64).prop_map(|(requests, window, burst)| {
        Limit::new(requests, Duration::from_nanos(window), Some(burst.min(requests))).unwrap()
    })
}

/// Arrivals in bursts, with gaps of about a spacing and of about a window, some off by one nanosecond.
pub(crate) fn arrivals(limit: &Limit, costs: bool) -> impl Strategy<Value = Vec<Arrival>> + use<> {
    let window = limit.window().as_nanos() as u64;
    let turn = window / u64::from(limit.requests());
    let most = limit.requests() + 2;
    let about = |around: u64| (around.saturating_sub(1)..=around + 1).boxed();
    let gap = prop_oneof![3 => Just(0).boxed(), 2 => about(turn), 1 => about(window), 3 => (0..=turn * 2).boxed(),
        1 => (0..=window * 2).boxed()];
    let cost = if costs { prop_oneof![3 => Just(1), 1 => 1..=most].boxed() } else { Just(1).boxed() };
    prop::collection::vec((gap, cost).prop_map(|(gap, cost)| Arrival { gap, cost }), 1..120)
}

/// A limit with arrivals for it.
pub(crate) fn scenes(costs: bool) -> impl Strategy<Value = (Limit, Vec<Arrival>)> {
    limits().prop_flat_map(move |limit| (Just(limit), arrivals(&limit, costs)))
}
