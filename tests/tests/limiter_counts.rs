//! The limiter's local counts under threads: no room is taken twice, and no calls deadlock.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use contract::Ticks;
use limiter::{Algorithm, Capacity, Charge, CountKey, Limit, LocalCounts, Take};

/// A clock that stands still, so that nothing is restored.
struct Still;

impl Ticks for Still {
    fn ticks(&self) -> u64 {
        1_577_836_800_000_000_000
    }
}

const KEYS: usize = 7;

fn charge(key: usize) -> Charge {
    let limit = Limit::new(1_000, Duration::from_secs(1), None).unwrap();
    Charge { key: CountKey(format!("key {key}")), limit, enforced: true, cost: 1 }
}

#[test]
fn threads_that_take_from_the_same_keys_take_exactly_what_is_there() {
    for algorithm in Algorithm::ALL {
        let counts = LocalCounts::new(algorithm, Capacity::default(), [7; 16], std::sync::Arc::new(Still));
        let admitted: [AtomicU32; KEYS] = Default::default();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (counts, admitted) = (&counts, &admitted);
                scope.spawn(move || {
                    for turn in 0..8_000 {
                        // Two keys a call, in either order: locking in the order of the call would deadlock.
                        let (first, second) = ((turn + thread) % KEYS, (turn * 3 + thread * 5) % KEYS);
                        if first == second {
                            continue;
                        }
                        let take = Take { charges: vec![charge(first), charge(second)] };
                        let taken = counts.take_now(&take).unwrap();
                        if taken.standings.iter().all(|standing| standing.admits) {
                            admitted[first].fetch_add(1, Relaxed);
                            admitted[second].fetch_add(1, Relaxed);
                        }
                    }
                });
            }
        });
        // A further call takes what the threads left over.
        let rest = |key: usize| {
            let take = Take { charges: vec![charge(key)] };
            (0..2_000).filter(|_| counts.take_now(&take).unwrap().standings[0].admits).count() as u32
        };
        let there = if algorithm == Algorithm::LeakyBucket { 1_001 } else { 1_000 };
        let admitted = admitted.map(AtomicU32::into_inner);
        // They request far more than there is; a call fails only if one of its keys is used up.
        assert!(admitted.contains(&there), "{algorithm:?}: no key was used up: {admitted:?}");
        for (key, admitted) in admitted.into_iter().enumerate() {
            assert_eq!(admitted + rest(key), there, "{algorithm:?}");
        }
    }
}
