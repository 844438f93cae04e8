//! The scripts, built from their parts.

use std::time::Duration;

use limiter::Algorithm;
use redis::Script;

const MOMENTS: &str = include_str!("moments.lua");
const TAKE: &str = include_str!("take.lua");
const ADD: &str = include_str!("add.lua");

/// The script that charges keys if all of them have room.
pub(super) fn take_script(algorithm: Algorithm) -> Script {
    Script::new(&[MOMENTS, rule(algorithm), TAKE].concat())
}

/// The script that adds admissions made elsewhere: for the algorithms of
/// [`SyncedCounts`](super::super::SyncedCounts).
pub(crate) fn add_script(algorithm: Algorithm) -> Script {
    Script::new(&[MOMENTS, rule(algorithm), ADD].concat())
}

fn rule(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::FixedWindow => include_str!("fixed_window.lua"),
        Algorithm::SlidingLog => include_str!("sliding_log.lua"),
        Algorithm::SlidingCounter => include_str!("sliding_counter.lua"),
        Algorithm::TokenBucket => include_str!("token_bucket.lua"),
        Algorithm::LeakyBucket => include_str!("leaky_bucket.lua"),
        Algorithm::Gcra => include_str!("gcra.lua"),
    }
}

/// A window in microseconds, rounded up; 31 days fit.
pub(crate) fn micros(duration: Duration) -> u64 {
    duration.as_nanos().div_ceil(1_000) as u64
}
