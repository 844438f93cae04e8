//! A long trace of many keys: every decision against the definition, and against the exact sliding window.
//!
//! The bench `limiter` includes this file for a trace that is too long for a test.

use std::{sync::Arc, time::Duration};

use contract::Ticks;
use limiter::{Algorithm, Capacity, Limit, LocalCounts};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_distr::{Distribution, Exp1, Zipf};

use crate::{
    oracle::{Oracle, Passed, oracle},
    ticks::{START, SetTicks},
};

/// Keys of a trace; their frequencies follow Zipf's law: the n-th comes 1/n as often as the first.
pub(crate) const KEYS: usize = 10_000;
/// The mean rate of all keys, requests a second; every other tenth of a second has three quarters of them.
const RATE: f64 = 10_000.0;

/// The findings about one algorithm.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) decisions: u64,
    pub(crate) admitted: u64,
    /// Decisions that differ from the definition's.
    pub(crate) wrong: u64,
    /// Admissions above the limit in the window that ends with them.
    pub(crate) over: u64,
    /// Refusals although that window had room.
    pub(crate) falsely_refused: u64,
    /// The most that passed of one key in any window.
    pub(crate) most: u64,
}

/// A trace: ascending times, and keys.
pub(crate) fn events(seed: u64, count: usize) -> impl Iterator<Item = (u64, usize)> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let zipf = Zipf::new(KEYS as f64, 1.0).expect("there are keys");
    let mut now = START as f64 / 1e9;
    let start = now;
    (0..count).map(move |_| {
        let crowded = (((now - start) * 10.0) as u64).is_multiple_of(2);
        let gap: f64 = random.sample::<f64, _>(Exp1);
        now += gap / (RATE * if crowded { 1.5 } else { 0.5 });
        (START + ((now - start) * 1e9) as u64, zipf.sample(&mut random) as usize - 1)
    })
}

/// 30 requests a second: the spacing is not a whole number of nanoseconds.
pub(crate) fn limit() -> Limit {
    Limit::new(30, Duration::from_secs(1), None).expect("a limit")
}

/// Runs a trace against local counts with room for all keys.
pub(crate) fn findings(algorithm: Algorithm, seed: u64, count: usize) -> Findings {
    let limit = limit();
    let window = limit.window().as_nanos() as u64;
    let clock = Arc::new(SetTicks::default());
    let capacity = Capacity { keys: 4 * KEYS, ..Capacity::default() };
    let counts = LocalCounts::new(algorithm, capacity, [7; 16], Arc::clone(&clock) as Arc<dyn Ticks>);
    let names: Vec<String> = (0..KEYS).map(|key| format!("client-{key}")).collect();
    let fresh = |_| (oracle(algorithm, &limit), Passed::new(window));
    let mut known: Vec<(Box<dyn Oracle>, Passed)> = (0..KEYS).map(fresh).collect();
    let mut found = Findings::default();
    for (now, key) in events(seed, count) {
        clock.set(now);
        let standing = counts.take_one(&names[key], &limit, 1).expect("there is room");
        let (oracle, passed) = &mut known[key];
        let waits = standing.admits.then_some(standing.wait.as_nanos() as u64);
        found.decisions += 1;
        found.wrong += u64::from(oracle.decide(now, 1) != waits);
        // Of the requests that leave a queue later, only those that have left by now count in the window.
        match waits {
            Some(waits) => {
                found.admitted += 1;
                passed.pass(now + waits, 1);
                found.over += u64::from(passed.within(now + waits) > limit.requests().into());
            }
            None => found.falsely_refused += u64::from(passed.until(now) < limit.requests().into()),
        }
        found.most = found.most.max(passed.most());
    }
    assert_eq!(counts.held().evicted, 0, "there was room for every key");
    found
}
