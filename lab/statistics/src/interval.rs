//! An estimate and its confidence interval.

use serde::{Deserialize, Serialize};

/// An estimate with the range of values that the data does not contradict.
///
/// For a ratio, `1.18` means that the first arm lies 18 % above the second.
/// For a mean or a difference, `estimate`, `low` and `high` are in the unit of the cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The point estimate.
    pub estimate: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// The coverage: the share of such intervals, over many runs, that contain the true value, such as
    /// `0.95`.
    pub confidence: f64,
    /// The effective sample size: the number of independent observations behind the interval, after the correction for
    /// autocorrelation.
    /// It is far below the number of slices.
    pub effective_samples: f64,
    /// The minimum detectable effect (MDE): the smallest true difference that this run would have detected four times in
    /// five (power 80 %).
    /// For a ratio it is a share (`0.03` = 3 %), otherwise it is in the unit of the cost.
    pub smallest_detectable: f64,
    /// Whether the launches of the processes differ by more than their batches explain.
    /// Then only more launches narrow the interval; a longer measurement of the same launches does not.
    #[serde(default, rename = "between_launches")]
    pub limited_by_launches: bool,
}

impl Interval {
    /// Whether the whole interval, as a ratio, lies within a factor of `1 + margin` of one.
    ///
    /// This is an equivalence test: the two one-sided tests procedure (TOST) at the interval's confidence (Schuirmann, "A comparison of the two one-sided tests procedure", 1987).
    /// It is stricter than the customary 90 % interval: the lab prints the same interval that it judges by.
    pub fn is_equivalent(&self, margin: f64) -> bool {
        self.farthest_from_one() <= margin
    }

    /// The largest difference from one, as a share, that the interval permits.
    pub fn farthest_from_one(&self) -> f64 {
        let up = self.high - 1.0;
        let down = if self.low > 0.0 { 1.0 / self.low - 1.0 } else { f64::INFINITY };
        up.max(down)
    }

    /// Half of the interval's width on the log scale, on which a ratio's error is symmetric.
    pub(super) fn log_half_width(&self) -> f64 {
        (self.high / self.low).ln() / 2.0
    }
}
