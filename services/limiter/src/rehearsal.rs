//! Simulates an algorithm over given arrivals, without a running system.

use std::time::Duration;

use crate::{
    Algorithm, Limit,
    algorithm::{State, window_nanos, with_state},
};

/// The time at which each of one key's arrivals passes; `None` for a refused one.
///
/// Arrivals are ascending, from the start of a calendar window. Only the leaky bucket delays any.
pub fn rehearse(algorithm: Algorithm, limit: &Limit, arrivals: &[Duration]) -> Vec<Option<Duration>> {
    with_state!(algorithm, Rehearsed => passes::<Rehearsed>(limit, arrivals))
}

fn passes<S: State>(limit: &Limit, arrivals: &[Duration]) -> Vec<Option<Duration>> {
    // Far enough from 1970 that no window begins before it.
    let start = 10 * window_nanos(limit);
    let mut state = S::default();
    let mut pass = |arrival: &Duration| {
        let now = start.saturating_add(arrival.as_nanos() as u64);
        let standing = state.take(limit, 1, now);
        standing.admits.then(|| *arrival + standing.wait)
    };
    arrivals.iter().map(&mut pass).collect()
}
