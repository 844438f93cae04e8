//! What an algorithm would do with arrivals, without anything that runs.

use std::time::Duration;

use crate::{
    Algorithm, Limit,
    algorithm::{State, window_nanos, with_state},
};

/// When each of one key's arrivals passes; `None` for one that is refused.
///
/// Arrivals are ascending, from the start of a window of the calendar. Only the leaky bucket lets any pass later than it
/// came.
pub fn rehearse(algorithm: Algorithm, limit: &Limit, arrivals: &[Duration]) -> Vec<Option<Duration>> {
    with_state!(algorithm, Rehearsed => passes::<Rehearsed>(limit, arrivals))
}

fn passes<S: State>(limit: &Limit, arrivals: &[Duration]) -> Vec<Option<Duration>> {
    // Far enough from 1970 that no window reaches back before it.
    let start = 10 * window_nanos(limit);
    let mut state = S::default();
    let mut pass = |arrival: &Duration| {
        let now = start.saturating_add(arrival.as_nanos() as u64);
        let standing = state.take(limit, 1, now);
        standing.admits.then(|| *arrival + standing.wait)
    };
    arrivals.iter().map(&mut pass).collect()
}
