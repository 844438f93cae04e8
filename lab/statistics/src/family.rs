//! A correction for many comparisons.

/// The confidence that each of `comparisons` intervals needs so that all of them hold together with
/// `confidence`.
///
/// Bonferroni: the permitted share of false alarms is divided by the number of comparisons.
/// Holm's step-down procedure is slightly more powerful, but it orders tests and gives no intervals, and the
/// lab prints an interval for each figure.
/// Source: Dunn, "Multiple comparisons among means", JASA 56 (1961).
///
/// Zero comparisons count as one.
pub fn family_wise(confidence: f64, comparisons: usize) -> f64 {
    1.0 - (1.0 - confidence) / comparisons.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::family_wise;

    #[test]
    fn ten_comparisons_share_one_allowance() {
        assert!((family_wise(0.95, 10) - 0.995).abs() < 1e-12);
        assert!((family_wise(0.95, 1) - 0.95).abs() < 1e-12);
        assert!((family_wise(0.95, 0) - 0.95).abs() < 1e-12);
    }
}
