//! The cost per operation: of one arm, and of one arm relative to another.

use super::{
    batches::Batch,
    interval::Interval,
    spread::{Estimate, Pair, jackknife},
};

/// The cost of an operation of `a` relative to one of `b`.
///
/// Batch `i` of `a` and of `b` cover the same rounds ([`super::Batches`] ensures it), so a disturbance of
/// both cancels.
/// The estimate is the ratio of the totals; its standard error is computed on the log scale, on which a ratio
/// and its inverse have the same error.
/// `spread` explains correlation and launches: from six launches on the interval is both honest and narrow;
/// with one or two it applies to those launches only.
///
/// `None` if the arms do not share their rounds, if there are fewer than three batches, or if either cost is
/// zero.
pub fn ratio_of_means(a: &[Batch], b: &[Batch], confidence: f64) -> Option<Interval> {
    let found = jackknife(&paired(a, b)?, confidence, |total| {
        let ratio = per_operation(total.a)? / per_operation(total.b)?;
        (ratio > 0.0 && ratio.is_finite()).then(|| ratio.ln())
    })?;
    Some(ratio_interval(found, confidence, found.half_width, found.half_width))
}

/// The difference in cost of an operation of `a` and one of `b`, in the unit of the cost.
///
/// Unlike the ratio, it exists if one of the arms has zero cost.
pub fn difference_of_means(a: &[Batch], b: &[Batch], confidence: f64) -> Option<Interval> {
    let found = jackknife(&paired(a, b)?, confidence, |total| {
        Some(per_operation(total.a)? - per_operation(total.b)?)
    })?;
    Some(plain_interval(found, confidence))
}

/// The cost of an operation, in the unit of the cost.
pub fn mean(arm: &[Batch], confidence: f64) -> Option<Interval> {
    let found = jackknife(&paired(arm, arm)?, confidence, |total| per_operation(total.a))?;
    Some(plain_interval(found, confidence))
}

/// An interval from an estimate on the log scale and its extents downwards and upwards.
pub(super) fn ratio_interval(found: Estimate, confidence: f64, down: f64, up: f64) -> Interval {
    Interval {
        estimate: found.value.exp(),
        low: (found.value - down).exp(),
        high: (found.value + up).exp(),
        confidence,
        effective_samples: found.effective_samples,
        smallest_detectable: found.smallest_detectable.exp_m1(),
        limited_by_launches: found.limited_by_launches,
    }
}

fn plain_interval(found: Estimate, confidence: f64) -> Interval {
    Interval {
        estimate: found.value,
        low: found.value - found.half_width,
        high: found.value + found.half_width,
        confidence,
        effective_samples: found.effective_samples,
        smallest_detectable: found.smallest_detectable,
        limited_by_launches: found.limited_by_launches,
    }
}

fn paired(a: &[Batch], b: &[Batch]) -> Option<Vec<Pair>> {
    let share_rounds = a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.launch == b.launch);
    share_rounds.then(|| a.iter().zip(b).map(|(&a, &b)| Pair { a, b }).collect())
}

fn per_operation(total: Batch) -> Option<f64> {
    (total.operations > 0).then(|| total.cost / total.operations as f64)
}
