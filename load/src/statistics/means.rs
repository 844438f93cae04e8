//! Cost an operation: of one arm, and of one arm against another.

use super::batches::Batch;
use super::interval::Interval;
use super::spread::{Pair, Spread, spread};

/// What an operation of `a` costs relative to one of `b`.
///
/// Batch `i` of `a` and of `b` cover the same rounds ([`super::Batches`] sees to it), so that what slows both cancels.
/// The estimate is the ratio of the totals; its error is found on the log scale, where a ratio and its inverse err alike.
/// `spread` says how correlation and launches enter: from six launches on the interval is both honest and narrow; from one or two it speaks of those launches only.
///
/// `None` if the arms do not share their rounds, if there are fewer than three batches, or if either cost is zero.
pub fn ratio_of_means(a: &[Batch], b: &[Batch], confidence: f64) -> Option<Interval> {
    let found = spread(&paired(a, b)?, confidence, |total| {
        let ratio = per_operation(total.a)? / per_operation(total.b)?;
        (ratio > 0.0 && ratio.is_finite()).then(|| ratio.ln())
    })?;
    Some(ratio_interval(found, confidence, found.half_width, found.half_width))
}

/// What an operation of `a` costs more than one of `b`, in the unit of the cost.
///
/// The difference, unlike the ratio, exists when one of the arms costs nothing.
pub fn difference_of_means(a: &[Batch], b: &[Batch], confidence: f64) -> Option<Interval> {
    let found =
        spread(&paired(a, b)?, confidence, |total| Some(per_operation(total.a)? - per_operation(total.b)?))?;
    Some(plain_interval(found, confidence))
}

/// What an operation costs, in the unit of the cost.
pub fn mean(arm: &[Batch], confidence: f64) -> Option<Interval> {
    let found = spread(&paired(arm, arm)?, confidence, |total| per_operation(total.a))?;
    Some(plain_interval(found, confidence))
}

/// An interval from an estimate on the log scale and how far it reaches down and up.
pub(super) fn ratio_interval(found: Spread, confidence: f64, down: f64, up: f64) -> Interval {
    Interval {
        estimate: found.estimate.exp(),
        low: (found.estimate - down).exp(),
        high: (found.estimate + up).exp(),
        confidence,
        effective_samples: found.effective_samples,
        smallest_detectable: found.smallest_detectable.exp_m1(),
        between_launches: found.between_launches,
    }
}

fn plain_interval(found: Spread, confidence: f64) -> Interval {
    Interval {
        estimate: found.estimate,
        low: found.estimate - found.half_width,
        high: found.estimate + found.half_width,
        confidence,
        effective_samples: found.effective_samples,
        smallest_detectable: found.smallest_detectable,
        between_launches: found.between_launches,
    }
}

fn paired(a: &[Batch], b: &[Batch]) -> Option<Vec<Pair>> {
    let share_rounds = a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.launch == b.launch);
    share_rounds.then(|| a.iter().zip(b).map(|(&a, &b)| Pair { a, b }).collect())
}

fn per_operation(total: Batch) -> Option<f64> {
    (total.operations > 0).then(|| total.cost / total.operations as f64)
}
