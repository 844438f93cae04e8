//! Counts, such as failures: their uncertainty.

use super::spread::{FEWEST_LAUNCHES, Spread, variance};

/// Degrees of freedom at which Student's t is a normal variable.
const NORMAL: f64 = 1e6;

/// The interval of the sum of these counts, one per launch, at `confidence` (0 to 1).
///
/// Events come alone or in bursts. If alone, the sum's variance is the sum itself (Poisson). From three
/// launches on, the spread of their counts reveals bursts, and the wider of the two intervals is used. With
/// fewer launches nothing is known about bursts, and no more is claimed.
pub fn sum_of_counts(launches: &[u64], confidence: f64) -> [f64; 2] {
    let sum = launches.iter().sum::<u64>() as f64;
    let alone = Spread { standard_error: sum.sqrt(), degrees_of_freedom: NORMAL };
    let counts: Vec<f64> = launches.iter().map(|count| *count as f64).collect();
    let number = counts.len() as f64;
    let between =
        Spread { standard_error: (number * variance(&counts)).sqrt(), degrees_of_freedom: number - 1.0 };
    let scatters = if counts.len() < FEWEST_LAUNCHES { &[alone][..] } else { &[alone, between] };
    let reach = scatters.iter().map(|scatter| scatter.half_width(confidence)).fold(0.0, f64::max);
    [(sum - reach).max(0.0), sum + reach]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_come_alone_lie_within_two_roots_and_bursts_lie_further_apart() {
        let about = |launches: &[u64]| sum_of_counts(launches, 0.95).map(|end| end.round() as u64);
        assert_eq!(about(&[100]), [80, 120]);
        assert_eq!(about(&[20, 20, 20, 20, 20]), [80, 120], "more even than chance is chance");
        assert_eq!(about(&[0, 0, 100, 0, 0]), [0, 378], "t of 2.776 times the root of five times 2,000");
        assert_eq!((about(&[0, 0, 0]), about(&[])), ([0, 0], [0, 0]));
    }
}
