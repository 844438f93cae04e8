//! The one rounding rule: half to even, by line; and shares that add up to what is shared.
//!
//! Shops that round each item, each line and the total by themselves are a cent off now and then, and their payment is
//! refused. Here only lines are rounded, and every total is a sum of lines.

/// `numerator / denominator`, rounded to the nearest integer and a half to the even one (IEEE 754, 4.3.1).
///
/// Halves go up as often as down, so that a long sum of rounded amounts has no bias.
/// The denominator MUST be positive.
pub(crate) fn half_even(numerator: i128, denominator: i128) -> i128 {
    let (floor, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    match (rest * 2).cmp(&denominator) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
    }
}

/// Splits `total` by `weights` (not negative) with the largest remainder method (Hamilton): each share is rounded down,
/// and what is left goes, one unit each, to the shares that lost most; of equal ones to the first.
///
/// The shares add up to `total`. If it is at most the sum of the weights, no share exceeds its weight.
/// Without any weight all shares are zero.
pub(crate) fn shares(total: i64, weights: &[i64]) -> Vec<i64> {
    let sum: i128 = weights.iter().copied().map(i128::from).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: &i64| i128::from(total) * i128::from(*weight);
    let mut shares: Vec<i64> = weights.iter().map(|weight| (exact(weight) / sum) as i64).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(exact(&weights[index]) % sum));
    let left = (total - shares.iter().sum::<i64>()) as usize;
    for index in order.into_iter().take(left) {
        shares[index] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_half_goes_to_the_even_neighbour() {
        for (numerator, rounded) in [(5, 0), (15, 2), (25, 2), (35, 4), (-5, 0), (-15, -2), (24, 2), (26, 3)]
        {
            assert_eq!(half_even(numerator, 10), rounded, "{numerator} / 10");
        }
    }

    #[test]
    fn what_is_left_goes_to_the_shares_that_lost_most() {
        assert_eq!(shares(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(shares(5, &[333, 333, 334]), [2, 1, 2]);
        assert_eq!(shares(0, &[1, 2]), [0, 0]);
        assert_eq!(shares(7, &[0, 0]), [0, 0]);
        assert_eq!(shares(7, &[]), [0; 0]);
    }

    proptest! {
        #[test]
        fn rounding_is_off_by_at_most_a_half(numerator in -1_000_000_000_000_i128..1_000_000_000_000, denominator in 1_i128..20_000) {
            let rounded = half_even(numerator, denominator);
            prop_assert!((rounded * denominator - numerator).abs() * 2 <= denominator);
            prop_assert_eq!(half_even(-numerator, denominator), -rounded, "either sign alike");
        }

        #[test]
        fn shares_add_up_and_none_exceeds_its_weight(weights in prop::collection::vec(0_i64..1_000_000_000_000, 1..100), part in 0_u64..=1_000) {
            let sum: i64 = weights.iter().sum();
            let total = (i128::from(sum) * i128::from(part) / 1_000) as i64;
            let shares = shares(total, &weights);
            prop_assert_eq!(shares.iter().sum::<i64>(), total);
            for (share, weight) in shares.iter().zip(&weights) {
                prop_assert!((0..=*weight).contains(share), "{} of {}", share, weight);
            }
        }
    }
}
