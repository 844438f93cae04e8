//! Void slices: those that the generator, and not the system, shaped.
//!
//! An operation is late if the generator handled it more than a bound after its due time. One in a hundred
//! may be late: then 99 % of the latencies are the system's. But a slice holds few operations, so that by
//! chance a single late one may be 1 % or 4 % of them. So a slice is void only if it has more late operations
//! than a generator with a share of one in a hundred has once in a thousand slices (a binomial test, exact at
//! any size: Clopper and Pearson, Biometrika 26, 1934).
//!
//! The test takes operations to be late independently of each other. They are not: one stall of the generator delays all that
//! are due in it. So more slices are void by chance than one in a thousand; `tests::stalled` simulates how many.

use statrs::distribution::{Binomial, DiscreteCDF};

/// The permitted share of late operations.
pub const MAY_BE_LATE: f64 = 0.01;

/// The largest share of slices that are void by chance when the generator's share of late operations is
/// [`MAY_BE_LATE`].
const FALSE_ALARMS: f64 = 0.001;

/// The number of late operations at which a slice with this many operations is void.
pub fn void_from(operations: u64) -> u64 {
    if operations == 0 {
        return 1;
    }
    let late = Binomial::new(MAY_BE_LATE, operations);
    late.map_or(0, |late| late.inverse_cdf(1.0 - FALSE_ALARMS)) + 1
}

/// The share of slices that are void when this share of all operations is late, independently of each other.
pub fn void_share(late: f64, operations: u64) -> f64 {
    let operations = operations.max(1);
    let late = Binomial::new(late.clamp(0.0, 1.0), operations);
    late.map_or(0.0, |late| late.sf(void_from(operations) - 1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
    use rand_distr::{Distribution, Exp};

    use super::*;
    use crate::record::SliceRecord;

    const BOUND: Duration = Duration::from_millis(1);
    const SLICES: u64 = 4_000;
    /// Operations in a slice: of 300 a second in 80 ms, of 1,500 in 50 ms, of 600 in 100 ms and in a second,
    /// of 600 in 5 s.
    const SIZES: [u64; 5] = [24, 60, 75, 600, 3_000];

    /// A slice whose operations were late by these milliseconds.
    fn slice(lags: impl IntoIterator<Item = f64>) -> SliceRecord {
        let mut record = SliceRecord::default();
        lags.into_iter().for_each(|ms| record.send_lag.record((ms * 1e6) as u64).unwrap());
        record
    }

    /// The rejected rule, by the 99th percentile of the send lag: more than 1 % of the operations were late.
    fn by_its_percentile(late: u64, operations: u64) -> bool {
        operations - late < (0.99 * operations as f64).ceil() as u64
    }

    /// The number of void slices among [`SLICES`] for this share of late operations: by the percentile, and
    /// by the count.
    fn void(share: f64, operations: u64) -> [u64; 2] {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(operations);
        let late = rand_distr::Binomial::new(operations, share).unwrap();
        let mut void = [0; 2];
        for _ in 0..SLICES {
            let late = late.sample(&mut random);
            void[0] += u64::from(by_its_percentile(late, operations));
            void[1] += u64::from(late >= void_from(operations));
        }
        void
    }

    #[test]
    fn one_late_operation_voids_no_slice_of_two_or_more() {
        assert_eq!([24, 60, 75, 600, 3_000].map(void_from), [4, 5, 5, 16, 49]);
        for operations in 2..=3_000 {
            assert!(void_from(operations) >= 2, "{operations}");
        }
        let late = |count: u64| slice((0..75).map(|nth| if nth < count { 3.0 } else { 0.05 }));
        assert!(by_its_percentile(1, 75) && !late(1).is_void(BOUND) && !late(4).is_void(BOUND));
        assert!(late(5).is_void(BOUND));
        assert!(!slice([]).is_void(BOUND), "nothing was late");
    }

    #[test]
    fn the_share_that_is_expected_to_be_void_is_the_one_that_is_simulated() {
        for (late, operations) in [(0.0, 75), (0.05, 75), (0.1, 24), (0.33, 600), (1.0, 0)] {
            let [_, simulated] = void(late, operations.max(1));
            let expected = void_share(late, operations) * SLICES as f64;
            let error = 4.0 * (expected * (1.0 - expected / SLICES as f64)).sqrt();
            assert!(
                (simulated as f64 - expected).abs() <= error + 1e-9,
                "{late}, {operations}: {simulated}, {expected}"
            );
        }
    }

    #[test]
    fn a_generator_that_is_late_as_often_as_it_may_has_one_slice_of_a_thousand_void() {
        let most = Binomial::new(FALSE_ALARMS, SLICES).unwrap().inverse_cdf(0.999);
        for operations in SIZES {
            let [_, now] = void(MAY_BE_LATE, operations);
            assert!(now <= most, "{operations} operations: {now} of {SLICES}, at most {most}");
        }
        // A fifth of all slices void means no verdict; the percentile reached that at a third of the
        // permitted share.
        let [before, now] = void(MAY_BE_LATE / 3.0, 75);
        assert!(before > SLICES / 5 && now == 0, "{before}, {now}");
    }

    #[test]
    fn a_generator_that_is_late_for_a_third_of_its_operations_has_nearly_all_slices_void() {
        for operations in SIZES {
            let [_, now] = void(0.33, operations);
            assert!(now > SLICES * 9 / 10, "{operations} operations: {now} of {SLICES}");
        }
    }

    /// Slices of 75 operations in 50 ms, from a thread that loses its processor once in `every` ms for `mean`
    /// ms (exponentially distributed): the share of late operations, and of void slices by the percentile and
    /// by the count.
    fn stalled(mean: f64, every: f64) -> [f64; 3] {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        let [gap, length, arrival] = [1.0 / every, 1.0 / mean, 1.5].map(|rate| Exp::new(rate).unwrap());
        let (mut begins, mut ends, mut now) = (gap.sample(&mut random), 0.0, 0.0);
        let (mut late, mut void) = (0, [0_u32; 2]);
        for nth in 1..=SLICES {
            let mut lags = Vec::new();
            while now < nth as f64 * 50.0 {
                while begins < now {
                    ends = begins + length.sample(&mut random);
                    begins = ends + gap.sample(&mut random);
                }
                lags.push((ends - now).max(0.05));
                now += arrival.sample(&mut random);
            }
            let (of, all) = (lags.iter().filter(|lag| **lag > 1.0).count() as u64, lags.len() as u64);
            late += of;
            void[0] += u32::from(by_its_percentile(of, all));
            void[1] += u32::from(of >= void_from(all));
        }
        let share = |count: u32| f64::from(count) / SLICES as f64;
        [late as f64 / (75.0 * SLICES as f64), share(void[0]), share(void[1])]
    }

    #[test]
    fn a_machine_that_stalls_now_and_then_keeps_its_verdict_and_one_that_stalls_always_does_not() {
        let [late, before, now] = stalled(3.0, 200.0);
        assert!((0.004..0.012).contains(&late), "{late}");
        assert!(before > 0.12 && now < 0.08, "{before}, {now}");
        let [_, _, now] = stalled(10.0, 40.0);
        assert!(now > 0.4, "{now}");
    }

    /// The table in `docs/measurement.md` has the results of these simulations.
    #[test]
    fn the_documented_table_is_what_is_simulated() {
        let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/measurement.md");
        let documented = std::fs::read_to_string(document).unwrap();
        let per_cent = |share: f64| format!("{:.1} %", share * 100.0);
        let of = |count: u64| per_cent(count as f64 / SLICES as f64);
        let mut rows = Vec::new();
        for operations in SIZES {
            let [few, allowed, many, most] = [0.003, 0.01, 0.1, 0.33].map(|share| void(share, operations));
            let row = format!(
                "| {operations} | {} | {} / {} | {} / {} | {} / {} | {} / {} |",
                void_from(operations),
                of(few[0]),
                of(few[1]),
                of(allowed[0]),
                of(allowed[1]),
                of(many[0]),
                of(many[1]),
                of(most[0]),
                of(most[1]),
            );
            rows.push(row);
        }
        for (mean, every) in [(3.0, 200.0), (5.0, 100.0), (10.0, 40.0)] {
            let [late, before, now] = stalled(mean, every).map(per_cent);
            let row = format!("| {mean} ms, once in {every} ms | {late} | {before} / {now} |");
            rows.push(row);
        }
        let missing: Vec<_> = rows.iter().filter(|row| !documented.contains(row.as_str())).collect();
        assert!(missing.is_empty(), "docs/measurement.md lacks {missing:#?}");
    }
}
