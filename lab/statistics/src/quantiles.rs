//! Quantiles of the two distributions that the intervals need.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// The quantile of Student's t distribution at `probability`.
///
/// `degrees_of_freedom` need not be an integer, and is at least one.
pub(super) fn student(probability: f64, degrees_of_freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees_of_freedom.max(1.0))
        .map_or(f64::INFINITY, |distribution| distribution.inverse_cdf(probability))
}

/// The cumulative distribution function of the standard normal distribution.
pub(super) fn normal_share_below(x: f64) -> f64 {
    Normal::standard().cdf(x)
}

#[cfg(test)]
mod tests {
    use super::student;

    /// The printed table, and the closed form for two degrees of freedom: `0.6 * sqrt(2 / 0.64)` = 1.0607.
    #[test]
    fn student_agrees_with_the_printed_table() {
        for (probability, degrees_of_freedom, value) in [
            (0.975, 1.0, 12.706),
            (0.80, 2.0, 1.0607),
            (0.975, 2.0, 4.303),
            (0.975, 9.0, 2.262),
            (0.80, 9.0, 0.883),
            (0.995, 30.0, 2.750),
            (0.975, 9.5, 2.244),
            (0.975, 63.0, 1.998),
        ] {
            let found = student(probability, degrees_of_freedom);
            assert!((found - value).abs() < 6e-4, "t({probability}, {degrees_of_freedom}) = {found}");
        }
    }
}
