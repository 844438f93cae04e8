//! CPU time of a decision, in interleaved slices.

use std::{hint::black_box, num::NonZeroU32, sync::Arc, time::Duration};

use anyhow::Result;
use contract::MonotonicTicks;
use governor::{DefaultKeyedRateLimiter, Quota};
use limiter::{Algorithm, Capacity, Limit, LocalCounts};
use nix::time::{ClockId, clock_gettime};
use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_distr::{Distribution, Zipf};

/// Decisions of a slice.
const SLICE: usize = 200_000;
const ROUNDS: usize = 24;
/// Student's t for 95 % and `ROUNDS - 1` = 23 degrees of freedom.
const T_95: f64 = 2.069;

/// The limiter and `governor`, with the same keys and the same limit.
struct Arms {
    keys: Vec<String>,
    limit: Limit,
    counts: LocalCounts,
    governor: DefaultKeyedRateLimiter<String>,
}

pub(crate) fn compare() -> Result<()> {
    println!("\nCPU nanoseconds of a decision by GCRA, one thread, {ROUNDS} rounds of {SLICE} decisions");
    for keys in [10_000, 1_000_000] {
        let arms = Arms::new(keys)?;
        let mut stream = Zipf::new(keys as f64, 1.0)?.sample_iter(Xoshiro256PlusPlus::seed_from_u64(7));
        let mut next =
            || -> Vec<u32> { stream.by_ref().take(SLICE).map(|key: f64| key as u32 - 1).collect() };
        // Touches twice the size of the caches before the measurement.
        for _ in 0..8 {
            let order = next();
            arms.limiter(&order)?;
            arms.governor(&order);
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let order = next();
            // Every second round in reverse order, so that neither always finds the keys' names in the
            // caches.
            if round % 2 == 0 {
                ours.push(nanos(|| arms.limiter(&order))?);
                theirs.push(nanos(|| Ok(arms.governor(&order)))?);
            } else {
                theirs.push(nanos(|| Ok(arms.governor(&order)))?);
                ours.push(nanos(|| arms.limiter(&order))?);
            }
        }
        let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| (ours / theirs).ln()).collect();
        println!(
            "  Zipf over {keys:7} keys: limiter {:5.1}, governor {:5.1}, ratio {}  must be at most 1.5",
            mean(&ours),
            mean(&theirs),
            interval(&ratios)
        );
    }
    Ok(())
}

impl Arms {
    fn new(count: usize) -> Result<Self> {
        let limit = super::limit(Duration::from_secs(1))?;
        let capacity = Capacity { keys: count, ..Capacity::default() };
        let quota = Quota::per_second(NonZeroU32::new(limit.requests()).expect("a limit is not zero"));
        let arms = Self {
            keys: (0..count).map(|key| format!("client-{key}")).collect(),
            limit,
            counts: LocalCounts::new(Algorithm::Gcra, capacity, [7; 16], Arc::new(MonotonicTicks::new())),
            governor: DefaultKeyedRateLimiter::dashmap(quota),
        };
        let every: Vec<u32> = (0..count as u32).collect();
        arms.limiter(&every)?;
        arms.governor(&every);
        Ok(arms)
    }

    /// The number of requests that pass.
    fn limiter(&self, order: &[u32]) -> Result<usize> {
        let mut admitted = 0;
        for key in order {
            let standing = black_box(self.counts.take_one(&self.keys[*key as usize], &self.limit, 1)?);
            admitted += usize::from(standing.admits);
        }
        Ok(admitted)
    }

    /// The number of requests that pass.
    fn governor(&self, order: &[u32]) -> usize {
        let passes = |key: &&u32| black_box(self.governor.check_key(&self.keys[**key as usize])).is_ok();
        order.iter().filter(passes).count()
    }
}

/// CPU nanoseconds a decision of a function that runs a slice.
fn nanos(work: impl FnOnce() -> Result<usize>) -> Result<f64> {
    let clock = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from);
    let before = clock()?;
    black_box(work()?);
    Ok(clock()?.saturating_sub(before).as_nanos() as f64 / SLICE as f64)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The geometric mean of ratios and its 95 % interval, from their logarithms.
fn interval(logs: &[f64]) -> String {
    let (n, mean) = (logs.len() as f64, mean(logs));
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = T_95 * (variance / n).sqrt();
    format!("{:.3} [{:.3}, {:.3}]", mean.exp(), (mean - half).exp(), (mean + half).exp())
}
