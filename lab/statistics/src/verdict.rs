//! Three answers to "do they differ?".

use serde::{Deserialize, Serialize};

use super::{
    interval::Interval,
    wording::{Metric, about, bound, factors, per_cents},
};

/// A scenario's default margin: smaller differences count as equal.
///
/// 5 % is about the effect that linker order or environment size alone have on a program (Mytkowicz et al.,
/// "Producing wrong data without doing anything obviously wrong!", ASPLOS 2009).
pub const EQUIVALENCE_MARGIN: f64 = 0.05;

/// From this ratio on a difference is printed as a factor, below it in per cent.
const FACTORS_FROM: f64 = 2.0;

/// The conclusion from the interval of a ratio of two arms.
///
/// All numbers are shares: `by: 0.18` is 18 % of the other arm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Verdict {
    /// The whole interval lies below one.
    Lower {
        /// The point estimate of the difference.
        by: f64,
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// The whole interval lies above one.
    Higher {
        /// The point estimate of the difference.
        by: f64,
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// The interval contains one and lies within the margin: the arms are equivalent (by TOST, [`Interval::is_equivalent`]),
    /// which is more than "no difference was found".
    NoDifference {
        /// The data permits no larger difference.
        larger_than: f64,
    },
    /// Inconclusive: the interval contains one, and values beyond the margin.
    CannotTell {
        /// The additional measured time, approximately, that would lead to another verdict, if the estimate
        /// stays.
        /// `None` if time would not help: the launches disagree, and more of them are needed.
        more_seconds: Option<f64>,
    },
}

impl Verdict {
    /// Judges the interval of a ratio against an equivalence `margin` (a share), after `elapsed_seconds` of
    /// measured time.
    ///
    /// A certain difference is a difference however small it is; its size is printed with it.
    pub fn of(interval: &Interval, margin: f64, elapsed_seconds: f64) -> Self {
        if interval.high < 1.0 {
            Self::Lower { by: 1.0 - interval.estimate, low: 1.0 - interval.high, high: 1.0 - interval.low }
        } else if interval.low > 1.0 {
            Self::Higher { by: interval.estimate - 1.0, low: interval.low - 1.0, high: interval.high - 1.0 }
        } else if interval.is_equivalent(margin) {
            Self::NoDifference { larger_than: interval.farthest_from_one() }
        } else {
            Self::CannotTell { more_seconds: more_seconds(interval, margin, elapsed_seconds) }
        }
    }

    /// The verdict on the second arm relative to the first; `interval` is the one that this verdict was made
    /// from.
    #[must_use]
    pub fn turned(&self, interval: &Interval) -> Self {
        let (estimate, low, high) = (1.0 / interval.estimate, 1.0 / interval.high, 1.0 / interval.low);
        match *self {
            Self::Lower { .. } => Self::Higher { by: estimate - 1.0, low: low - 1.0, high: high - 1.0 },
            Self::Higher { .. } => Self::Lower { by: 1.0 - estimate, low: 1.0 - high, high: 1.0 - low },
            same => same,
        }
    }

    /// Whether the verdict is that the arms differ.
    pub fn is_difference(&self) -> bool {
        matches!(self, Self::Lower { .. } | Self::Higher { .. })
    }

    /// The verdict on arm `a` against arm `b` as a sentence without a full stop.
    ///
    /// `microservices needs more CPU per operation than monolith: 2.41x [2.36, 2.46]`.
    pub fn sentence(&self, a: &str, b: &str, metric: &Metric) -> String {
        match *self {
            Self::Lower { by, low, high } => {
                format!("{a} {} {b}: {}", metric.less(), lower(by, low, high))
            }
            Self::Higher { by, low, high } => {
                format!("{a} {} {b}: {}", metric.more(), higher(by, low, high))
            }
            _ => format!("{a} and {b}, {}: {}", metric.noun(), self.short()),
        }
    }

    /// The verdict alone, for the cell of a table: `2.41x as high [2.36, 2.46]`,
    /// `no difference larger than 3 %`.
    pub fn short(&self) -> String {
        match *self {
            Self::Lower { by, low, high } => lower(by, low, high),
            // A factor alone would not say in which direction.
            Self::Higher { by, low, high } => higher(by, low, high).replacen("x [", "x as high [", 1),
            Self::NoDifference { larger_than } => {
                format!("no difference larger than {}", bound(larger_than))
            }
            Self::CannotTell { more_seconds: Some(seconds) } => {
                format!("cannot tell: would need about {} more", about(seconds))
            }
            Self::CannotTell { more_seconds: None } => {
                "cannot tell: launches of one arm differ, would need more launches".to_owned()
            }
        }
    }
}

fn lower(by: f64, low: f64, high: f64) -> String {
    let ratio = |share: f64| 1.0 / (1.0 - share);
    if ratio(by) >= FACTORS_FROM {
        format!("lower by a factor of {}", factors(ratio(by), ratio(low), ratio(high)))
    } else {
        format!("lower by {}", per_cents(by, low, high))
    }
}

fn higher(by: f64, low: f64, high: f64) -> String {
    if 1.0 + by >= FACTORS_FROM {
        factors(1.0 + by, 1.0 + low, 1.0 + high).replacen(" [", "x [", 1)
    } else {
        format!("higher by {}", per_cents(by, low, high))
    }
}

/// The time until another verdict (the missing sample size, as time), because the half-width shrinks with the square root of time.
///
/// The interval may come to exclude one (half-width below the estimate's distance from one), or to lie within
/// the margin (half-width below the rest of the margin): the nearer of the two.
fn more_seconds(interval: &Interval, margin: f64, elapsed_seconds: f64) -> Option<f64> {
    let (distance, half_width) = (interval.estimate.ln().abs(), interval.log_half_width());
    let target = distance.max(margin.ln_1p() - distance);
    let times = (half_width / target).powi(2);
    let more = elapsed_seconds * (times - 1.0).max(0.0);
    (!interval.limited_by_launches && more.is_finite()).then_some(more)
}

#[cfg(test)]
mod tests {
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

    fn said(low: f64, estimate: f64, high: f64) -> String {
        let verdict = Verdict::of(&interval(low, estimate, high), EQUIVALENCE_MARGIN, 10.0);
        verdict.sentence("microservices", "monolith", &Metric::spent("CPU per operation"))
    }

    #[test]
    fn a_large_difference_is_a_factor() {
        assert_eq!(
            said(2.36, 2.41, 2.46),
            "microservices needs more CPU per operation than monolith: 2.41x [2.36, 2.46]"
        );
        assert_eq!(
            said(1.0 / 2.46, 1.0 / 2.41, 1.0 / 2.36),
            "microservices needs less CPU per operation than monolith: lower by a factor of 2.41 [2.36, 2.46]"
        );
    }

    #[test]
    fn a_factor_of_hundreds_has_no_digits_that_say_nothing() {
        let verdict = Verdict::of(&interval(612.3, 878.58, 1_261.0), EQUIVALENCE_MARGIN, 10.0);
        assert_eq!(verdict.short(), "about 900x as high [610, 1,300]");
        let verdict = Verdict::of(&interval(1.7, 52.2, 1_611.7), EQUIVALENCE_MARGIN, 10.0);
        assert_eq!(verdict.short(), "about 50x as high [1.7, 1,600]");
        let verdict = Verdict::of(&interval(1.0 / 25.3, 1.0 / 24.14, 1.0 / 23.0), EQUIVALENCE_MARGIN, 10.0);
        assert_eq!(verdict.short(), "lower by a factor of 24.1 [23.0, 25.3]");
    }

    #[test]
    fn a_small_difference_is_a_per_cent() {
        assert_eq!(
            said(0.79, 0.82, 0.85),
            "microservices needs less CPU per operation than monolith: lower by 18 % [15, 21]"
        );
        assert_eq!(
            said(1.004, 1.011, 1.018),
            "microservices needs more CPU per operation than monolith: higher by 1.1 % [0.4, 1.8]"
        );
    }

    #[test]
    fn equal_within_the_margin_is_no_difference() {
        assert_eq!(
            said(0.98, 1.005, 1.03),
            "microservices and monolith, CPU per operation: no difference larger than 3 %"
        );
    }

    #[test]
    fn too_wide_an_interval_says_how_long_it_would_take() {
        // Half-width ln(1.10) against a margin of ln(1.05): (1.953)^2 = 3.816 times the 10 s so far.
        assert_eq!(
            said(1.0 / 1.10, 1.0, 1.10),
            "microservices and monolith, CPU per operation: cannot tell: would need about 30 s more"
        );
    }

    #[test]
    fn more_seconds_do_not_cure_launches_that_disagree() {
        let interval = Interval { limited_by_launches: true, ..interval(0.9, 1.0, 1.1) };
        let verdict = Verdict::of(&interval, EQUIVALENCE_MARGIN, 10.0);
        assert_eq!(verdict, Verdict::CannotTell { more_seconds: None });
        assert_eq!(verdict.short(), "cannot tell: launches of one arm differ, would need more launches");
    }

    #[test]
    fn a_percentile_is_shown_not_spent() {
        let verdict = Verdict::of(&interval(1.2, 1.3, 1.4), EQUIVALENCE_MARGIN, 10.0);
        assert_eq!(
            verdict.sentence("grpc", "http", &Metric::shown("p99 latency")),
            "grpc has a higher p99 latency than http: higher by 30 % [20, 40]"
        );
    }

    #[test]
    fn a_verdict_survives_json() {
        let verdict = Verdict::NoDifference { larger_than: 0.03 };
        let json = serde_json::to_string(&verdict).unwrap();
        assert_eq!(json, r#"{"is":"no-difference","larger_than":0.03}"#);
        assert_eq!(serde_json::from_str::<Verdict>(&json).unwrap(), verdict);
    }
}
