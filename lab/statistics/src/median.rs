//! The median of a few values, with an interval that assumes nothing about their distribution.

/// The median of some values, and the ends of an interval that contains the true one with this confidence.
///
/// The ends are values themselves, the k-th from either side: the true median lies between them unless fewer than k values
/// fall on one side of it, which is a binomial probability (David and Nagaraja: *Order Statistics*, 3rd edition, 2003, 7.1).
/// Five values, which have 94 % between their least and their greatest, are the fewest that say much; where even these two
/// are not enough, they are the ends. Values may be infinite; without any there is no median.
pub fn median_interval(values: &[f64], confidence: f64) -> Option<[f64; 3]> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (*sorted.get(sorted.len().checked_sub(1)? / 2)?, *sorted.get(sorted.len() / 2)?);
    let median = f64::midpoint(low, high);
    let outer = outer(sorted.len(), 1.0 - confidence);
    Some([median, sorted[outer], sorted[sorted.len() - 1 - outer]])
}

/// How many values may be left out on either side, for this probability that the median lies outside.
fn outer(values: usize, outside: f64) -> usize {
    let mut term = 0.5_f64.powi(i32::try_from(values).unwrap_or(i32::MAX));
    let (mut beyond, mut outer) = (term, 0);
    // Twice the probability of at most `outer` values on one side.
    while outer + 1 < values.div_ceil(2) {
        term *= (values - outer) as f64 / (outer + 1) as f64;
        beyond += term;
        if 2.0 * beyond > outside {
            break;
        }
        outer += 1;
    }
    outer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_values_and_closer_where_there_are_more() {
        let values = |count: u32| (1..=count).map(f64::from).collect::<Vec<_>>();
        // Tables of the sign test: 2, 4 and 6 values on either side for 12, 15 and 20 at 95 %.
        for (count, expected) in [
            (5, [3.0, 1.0, 5.0]),
            (8, [4.5, 1.0, 8.0]),
            (9, [5.0, 2.0, 8.0]),
            (12, [6.5, 3.0, 10.0]),
            (15, [8.0, 4.0, 12.0]),
            (20, [10.5, 6.0, 15.0]),
            (1, [1.0, 1.0, 1.0]),
        ] {
            assert_eq!(median_interval(&values(count), 0.95), Some(expected), "{count}");
        }
        assert_eq!(median_interval(&[], 0.95), None);
    }

    #[test]
    fn a_value_may_lie_beyond_all_others() {
        let never = f64::INFINITY;
        assert_eq!(median_interval(&[never, 2.0, 1.0, 3.0, 4.0], 0.95), Some([3.0, 1.0, never]));
        assert_eq!(median_interval(&[never, never, 1.0, never], 0.95), Some([never, 1.0, never]));
    }
}
