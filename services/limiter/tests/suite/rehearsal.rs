//! Simulations with precomputed results.

use std::time::Duration;

use limiter::{Algorithm, rehearse};

use crate::support::a_second;

fn millis(times: &[u64]) -> Vec<Duration> {
    times.iter().map(|time| Duration::from_millis(*time)).collect()
}

#[test]
fn time_zero_is_the_start_of_a_window() {
    let arrivals = millis(&[0, 999, 999, 1_000, 1_000, 1_000]);
    let passes = rehearse(Algorithm::FixedWindow, &a_second(2), &arrivals);
    let passing: Vec<_> = passes.iter().map(Option::is_some).collect();
    assert_eq!(passing, [true, true, false, true, true, false]);
}

#[test]
fn whatever_passes_passes_at_once_but_for_the_queue() {
    let arrivals = millis(&[0, 0, 0, 100, 2_000]);
    for algorithm in Algorithm::ALL {
        let passes = rehearse(algorithm, &a_second(2), &arrivals);
        let queued = algorithm == Algorithm::LeakyBucket;
        let expected = if queued { vec![0, 500, 1_000, 0, 2_000] } else { vec![0, 0, 0, 0, 2_000] };
        let refused: &[usize] = if queued { &[3] } else { &[2, 3] };
        for (index, passes) in passes.iter().enumerate() {
            let expected = Duration::from_millis(expected[index]);
            assert_eq!(*passes, (!refused.contains(&index)).then_some(expected), "{algorithm:?}, {index}");
        }
    }
}
