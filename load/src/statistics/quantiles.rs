//! Quantiles of the two distributions that the intervals need.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// The value that a Student t variable with `freedom` degrees of freedom exceeds with probability `1 - probability`.
///
/// `freedom` need not be whole, and is taken as at least one.
pub(super) fn student(probability: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom.max(1.0))
        .map_or(f64::INFINITY, |distribution| distribution.inverse_cdf(probability))
}

/// The share of a standard normal variable that lies below `x`.
pub(super) fn normal_share_below(x: f64) -> f64 {
    Normal::standard().cdf(x)
}

#[cfg(test)]
mod tests {
    use super::student;

    /// Printed tables, and `0.6 * sqrt(2 / 0.64)` = 1.0607 for two degrees of freedom in closed form.
    #[test]
    fn student_agrees_with_the_printed_table() {
        for (probability, freedom, value) in [
            (0.975, 1.0, 12.706),
            (0.80, 2.0, 1.0607),
            (0.975, 2.0, 4.303),
            (0.975, 9.0, 2.262),
            (0.80, 9.0, 0.883),
            (0.995, 30.0, 2.750),
            (0.975, 9.5, 2.244),
            (0.975, 63.0, 1.998),
        ] {
            let found = student(probability, freedom);
            assert!((found - value).abs() < 6e-4, "t({probability}, {freedom}) = {found}");
        }
    }
}
