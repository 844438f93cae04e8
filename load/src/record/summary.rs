//! The printed percentiles, each only with enough samples.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Histogram;

/// The percentiles of a histogram. A percentile with too few samples is `None`, and must not be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The number of samples.
    pub samples: u64,
    /// Half are at most this.
    pub p50: Option<Duration>,
    /// 90 % are at most this.
    pub p90: Option<Duration>,
    /// 99 % are at most this.
    pub p99: Option<Duration>,
    /// 99.9 % are at most this.
    pub p999: Option<Duration>,
    /// The largest sample, if there is one.
    pub max: Option<Duration>,
}

/// A percentile by its name and its quantile.
pub type Percentile = (&'static str, f64);

impl Summary {
    /// The percentiles that [`Summary`] has.
    pub const PERCENTILES: [Percentile; 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

    /// Summarises a histogram of nanoseconds.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let samples = histogram.len();
        let at = |quantile| {
            let value = || Duration::from_nanos(histogram.value_at_quantile(quantile));
            (samples >= needed_samples(quantile)).then(value)
        };
        Self {
            samples,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: (samples > 0).then(|| Duration::from_nanos(histogram.max())),
        }
    }
}

/// The samples that a quantile needs: ten expected beyond it, so `10 / (1 - quantile)`.
///
/// With ten, the relative standard error of the count beyond the quantile is about a third (Poisson,
/// `1 / sqrt(10)`). With fewer, the figure is mostly chance.
pub fn needed_samples(quantile: f64) -> u64 {
    (10.0 / (1.0 - quantile)).round() as u64
}
