//! How long a delay is: a fixed time, or one drawn at random.

use std::time::Duration;

use rand::{Rng, RngExt};
use rand_distr::{Distribution as _, Normal, Pareto};
use serde::{Deserialize, Serialize};

use super::InvalidFault;

/// The longest delay of one piece. A heavier draw of a Pareto or normal distribution is cut to it.
pub const LONGEST_DELAY: Duration = Duration::from_mins(1);

const TIME: &str = "0 to 60000 ms";

/// The distribution of a delay; times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Distribution {
    /// Always the same.
    Constant {
        /// The delay.
        ms: f64,
    },
    /// Any between two with the same probability: plain jitter.
    Uniform {
        /// The shortest.
        from_ms: f64,
        /// The longest.
        to_ms: f64,
    },
    /// Around a mean, most within one standard deviation; what is below zero is no delay.
    Normal {
        /// The mean.
        mean_ms: f64,
        /// The standard deviation.
        deviation_ms: f64,
    },
    /// Mostly short and sometimes very long, as the latency of stores and networks is: the probability to be above
    /// `x` is `(least_ms / x) ^ shape`. The mean is `least_ms * shape / (shape - 1)`, and infinite up to a shape of 1.
    Pareto {
        /// The shortest.
        least_ms: f64,
        /// The tail: the smaller, the heavier.
        shape: f64,
    },
}

impl Distribution {
    /// Validates its parameters.
    pub(super) fn validate(&self) -> Result<(), InvalidFault> {
        match *self {
            Self::Constant { ms } => within("ms", ms),
            Self::Uniform { from_ms, to_ms } => {
                within("from_ms", from_ms)?;
                within("to_ms", to_ms)?;
                if from_ms > to_ms {
                    let expected = "at least `from_ms`";
                    return Err(InvalidFault::Delay { name: "to_ms", value: to_ms, expected });
                }
                Ok(())
            }
            Self::Normal { mean_ms, deviation_ms } => {
                within("mean_ms", mean_ms)?;
                within("deviation_ms", deviation_ms)
            }
            Self::Pareto { least_ms, shape } => {
                within("least_ms", least_ms)?;
                if least_ms <= 0.0 {
                    return Err(InvalidFault::Delay {
                        name: "least_ms",
                        value: least_ms,
                        expected: "above 0",
                    });
                }
                if !(shape.is_finite() && shape > 0.0) {
                    return Err(InvalidFault::Delay { name: "shape", value: shape, expected: "above 0" });
                }
                Ok(())
            }
        }
    }

    /// Draws one delay, at most [`LONGEST_DELAY`].
    pub(crate) fn draw(&self, rng: &mut impl Rng) -> Duration {
        let ms = match *self {
            Self::Constant { ms } => ms,
            Self::Uniform { from_ms, to_ms } => rng.random_range(from_ms..=to_ms),
            // Validated parameters do not fail.
            Self::Normal { mean_ms, deviation_ms } => {
                Normal::new(mean_ms, deviation_ms).map_or(mean_ms, |normal| normal.sample(rng))
            }
            Self::Pareto { least_ms, shape } => {
                Pareto::new(least_ms, shape).map_or(least_ms, |pareto| pareto.sample(rng))
            }
        };
        let longest = LONGEST_DELAY.as_secs_f64();
        // Not a number or infinite: a tail beyond what a float holds, so the longest.
        let seconds = if ms.is_finite() { (ms / 1000.0).clamp(0.0, longest) } else { longest };
        Duration::from_secs_f64(seconds)
    }
}

fn within(name: &'static str, value: f64) -> Result<(), InvalidFault> {
    let longest = LONGEST_DELAY.as_secs_f64() * 1000.0;
    if (0.0..=longest).contains(&value) {
        return Ok(());
    }
    Err(InvalidFault::Delay { name, value, expected: TIME })
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    use super::*;

    /// This many delays in milliseconds, sorted.
    fn drawn(distribution: Distribution) -> Vec<f64> {
        distribution.validate().unwrap();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut delays: Vec<_> =
            (0..10_000).map(|_| distribution.draw(&mut rng).as_secs_f64() * 1000.0).collect();
        delays.sort_by(f64::total_cmp);
        delays
    }

    #[test]
    fn each_distribution_has_its_shape() {
        let constant = drawn(Distribution::Constant { ms: 20.0 });
        assert!(constant.iter().all(|&ms| (ms - 20.0).abs() < 1e-6));

        let uniform = drawn(Distribution::Uniform { from_ms: 10.0, to_ms: 30.0 });
        assert!(uniform[0] >= 10.0 && uniform[9_999] <= 30.0 && (uniform[5_000] - 20.0).abs() < 1.0);

        let normal = drawn(Distribution::Normal { mean_ms: 20.0, deviation_ms: 5.0 });
        assert!((normal[5_000] - 20.0).abs() < 0.5, "{}", normal[5_000]);
        // 84 % are below the mean plus one standard deviation.
        assert!((normal[8_413] - 25.0).abs() < 0.5, "{}", normal[8_413]);

        let pareto = drawn(Distribution::Pareto { least_ms: 10.0, shape: 2.0 });
        // The quantile p is at `least / (1 - p) ^ (1 / shape)`.
        assert!(pareto[0] >= 10.0 && (pareto[7_500] - 20.0).abs() < 1.0, "{}", pareto[7_500]);
    }

    #[test]
    fn no_delay_is_below_zero_or_above_the_longest() {
        let normal = drawn(Distribution::Normal { mean_ms: 0.0, deviation_ms: 50.0 });
        assert!(normal[0] >= 0.0);
        let pareto = drawn(Distribution::Pareto { least_ms: 1.0, shape: 0.01 });
        assert!((pareto[9_999] - 60_000.0).abs() < 1e-6, "{}", pareto[9_999]);
    }

    #[test]
    fn parameters_out_of_bounds_are_named() {
        let name = |distribution: Distribution| match distribution.validate() {
            Err(InvalidFault::Delay { name, .. }) => name,
            other => panic!("{distribution:?}: {other:?}"),
        };
        assert_eq!(name(Distribution::Constant { ms: -1.0 }), "ms");
        assert_eq!(name(Distribution::Constant { ms: f64::NAN }), "ms");
        assert_eq!(name(Distribution::Uniform { from_ms: 2.0, to_ms: 1.0 }), "to_ms");
        assert_eq!(name(Distribution::Uniform { from_ms: 0.0, to_ms: 60_001.0 }), "to_ms");
        assert_eq!(name(Distribution::Normal { mean_ms: 1.0, deviation_ms: -1.0 }), "deviation_ms");
        assert_eq!(name(Distribution::Pareto { least_ms: 0.0, shape: 1.0 }), "least_ms");
        assert_eq!(name(Distribution::Pareto { least_ms: 1.0, shape: 0.0 }), "shape");
    }
}
