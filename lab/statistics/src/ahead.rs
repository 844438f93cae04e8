//! Power analysis: the sample size that a difference needs, estimated in advance for a user who decides how long to wait.
//! `lab plan` prints it.

use std::f64::consts::{PI, SQRT_2};

use statrs::distribution::{ContinuousCDF, Normal};

use super::quantiles::student;

/// The assumed ratio of the 99th percentile to the median: five, with a lognormal distribution. Heavier tails
/// need more.
const TAIL: f64 = 5.0;
/// The statistical power: the probability with which the difference is detected.
const POWER: f64 = 0.80;

/// The operations of each arm with which a run of this many launches detects a difference of this share in a
/// quantile four times in five, for an interval of this confidence.
///
/// The standard error of a sample quantile is `sqrt(q (1 - q) / n)` over the density there (David and
/// Nagaraja, "Order Statistics", 2003, chapter 10), for independent operations.
pub fn operations_for(quantile: f64, difference: f64, confidence: f64, launches: u32) -> f64 {
    (reach(quantile, confidence, launches) / difference.ln_1p()).powi(2)
}

/// The smallest difference of a quantile, as a share, that this many operations of each arm detect: the
/// inverse of [`operations_for`].
pub fn difference_for(quantile: f64, operations: f64, confidence: f64, launches: u32) -> f64 {
    (reach(quantile, confidence, launches) / operations.max(1.0).sqrt()).exp_m1()
}

/// The smallest detectable logarithm of a ratio, with one operation of each arm.
fn reach(quantile: f64, confidence: f64, launches: u32) -> f64 {
    let normal = Normal::standard();
    let spread = TAIL.ln() / normal.inverse_cdf(0.99);
    let at = normal.inverse_cdf(quantile);
    let density = (-at * at / 2.0).exp() / (2.0 * PI).sqrt();
    let error = SQRT_2 * spread * (quantile * (1.0 - quantile)).sqrt() / density;
    let freedom = f64::from(launches.max(2)) - 1.0;
    error * (student(f64::midpoint(1.0, confidence), freedom) + student(POWER, freedom))
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::{Batch, Batches, ratio_of_percentiles};

    /// An arm of six launches with this many lognormal latencies.
    fn arm(seed: u64, factor: f64, operations: u64) -> Batches {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let spread = TAIL.ln() / Normal::standard().inverse_cdf(0.99);
        let mut batches = Batches::new();
        for round in 0..48 {
            let mut latencies = Histogram::<u64>::new(3).unwrap();
            for _ in 0..operations / 48 {
                let normal: f64 = StandardNormal.sample(&mut random);
                latencies.record((200_000.0 * factor * (spread * normal).exp()) as u64).unwrap();
            }
            let batch = Batch { launch: round / 8, cost: 0.0, operations: operations / 48 };
            batches.push(batch, Some(&latencies));
        }
        batches
    }

    #[test]
    fn with_as_many_operations_the_difference_is_found_about_four_times_in_five() {
        let (confidence, runs) = (0.99, 60);
        let operations = operations_for(0.99, 0.3, confidence, 6) as u64;
        assert!((2_000..8_000).contains(&operations), "{operations}");
        let difference = difference_for(0.99, operations as f64, confidence, 6);
        assert!((difference - 0.3).abs() < 0.01, "{difference}");
        let found = (0..runs).filter(|seed| {
            let (slow, fast) = (arm(2 * seed, 1.3, operations), arm(2 * seed + 1, 1.0, operations));
            ratio_of_percentiles(&slow, &fast, 0.99, confidence, *seed).is_some_and(|ratio| ratio.low > 1.0)
        });
        let found = found.count();
        assert!((runs as usize * 3 / 5..).contains(&found), "{found} of {runs}");
        assert!(operations_for(0.99, 0.05, confidence, 6) > 25.0 * operations as f64, "by the square");
        assert!(operations_for(0.5, 0.3, confidence, 6) < operations as f64 / 8.0, "a median needs less");
    }
}
