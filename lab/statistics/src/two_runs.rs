//! Two runs of one question: the difference of their ratios.

use super::Interval;

impl Interval {
    /// This ratio of one run, relative to the same ratio of another run: `1` if both runs agree.
    ///
    /// The runs are independent, and of each only the interval is known.
    /// On the log scale a ratio of ratios is a difference. Its interval extends on each side by the square
    /// root of the sum of the squares of the two intervals' extents: MOVER, the method of variance estimates
    /// recovery.
    /// It uses the ends as they are, so the intervals need not be symmetric.
    /// Source: Zou and Donner, "Construction of confidence limits about effect measures: a general approach",
    /// Statistics in Medicine 27 (2008), equations 3 and 4.
    ///
    /// The result has the lower confidence of the two. Two overlapping intervals may well disagree; two that
    /// do not overlap always do. So looking at the overlap is not a test (Schenker and Gentleman, "On judging
    /// the significance of differences by examining the overlap between confidence intervals", The American
    /// Statistician 55, 2001).
    ///
    /// `None` if an end has no logarithm: a ratio that could be zero.
    pub fn over(&self, other: &Self) -> Option<Self> {
        let logs = |interval: &Self| [interval.estimate, interval.low, interval.high].map(f64::ln);
        let ([a, a_low, a_high], [b, b_low, b_high]) = (logs(self), logs(other));
        let estimate = a - b;
        let low = estimate - (a - a_low).hypot(b_high - b);
        let high = estimate + (a_high - a).hypot(b - b_low);
        let is_finite = [estimate, low, high].iter().all(|end| end.is_finite());
        is_finite.then(|| Self {
            estimate: estimate.exp(),
            low: low.exp(),
            high: high.exp(),
            confidence: self.confidence.min(other.confidence),
            effective_samples: self.effective_samples.min(other.effective_samples),
            smallest_detectable: self.smallest_detectable.hypot(other.smallest_detectable),
            limited_by_launches: self.limited_by_launches || other.limited_by_launches,
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};
    use rand_distr::{Distribution, Normal};

    use super::*;

    fn interval(low: f64, estimate: f64, high: f64) -> Interval {
        Interval {
            estimate,
            low,
            high,
            confidence: 0.95,
            effective_samples: 40.0,
            smallest_detectable: 0.03,
            limited_by_launches: false,
        }
    }

    #[test]
    fn two_machines_that_disagree_do_so_by_a_figure_with_an_interval() {
        let apart = interval(1.67, 1.79, 1.92).over(&interval(1.95, 2.09, 2.23)).unwrap();
        assert!((apart.estimate - 1.79 / 2.09).abs() < 1e-9, "{apart:?}");
        assert!(apart.high < 1.0 && apart.low > 0.75, "{apart:?}");
        let back = interval(1.95, 2.09, 2.23).over(&interval(1.67, 1.79, 1.92)).unwrap();
        assert!((back.low - 1.0 / apart.high).abs() < 1e-9, "turned round it says the same: {back:?}");
    }

    #[test]
    fn what_overlaps_may_disagree_and_what_has_no_logarithm_is_not_judged() {
        let apart = interval(1.00, 1.10, 1.21).over(&interval(1.20, 1.32, 1.45)).unwrap();
        assert!(apart.high < 1.0, "their intervals overlap, and yet: {apart:?}");
        assert_eq!(interval(0.0, 0.5, 1.0).over(&interval(1.0, 1.1, 1.2)), None);
    }

    #[test]
    fn runs_of_one_truth_are_called_different_at_most_one_time_in_twenty() {
        const RUNS: u32 = 20_000;
        let mut random = StdRng::seed_from_u64(7);
        let normal = |spread: f64| Normal::new(0.7, spread).unwrap();
        let run = |random: &mut StdRng, spread: f64| {
            let log = normal(spread).sample(random);
            let half = 1.96 * spread;
            interval((log - half).exp(), log.exp(), (log + half).exp())
        };
        // One run may have much less uncertainty than the other.
        for (one, other) in [(0.05, 0.05), (0.02, 0.2)] {
            let differs = |_: &u32| {
                let apart = run(&mut random, one).over(&run(&mut random, other)).unwrap();
                apart.low > 1.0 || apart.high < 1.0
            };
            let false_alarms = (0..RUNS).filter(differs).count() as f64 / f64::from(RUNS);
            // Four standard errors of such a share are 0.6 %.
            assert!((false_alarms - 0.05).abs() < 0.006, "{false_alarms}");
        }
    }
}
