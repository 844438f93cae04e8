//! The time to recover, and what was lost until then.

use std::time::Duration;

use load::episode::{Episode, FINE};

use super::super::buckets;

/// Goodput has recovered when so much of what ended well before ends well again,
const RECOVERED: f64 = 0.95;
/// over this time.
const STAYS: Duration = Duration::from_secs(1);

/// The goodput of an episode, as a share of what was due.
pub(super) struct Goodput<'a> {
    seen: &'a Episode,
    /// The share of the operations due that ended well before the disturbance; at most 1.
    before: f64,
}

impl<'a> Goodput<'a> {
    /// The goodput of an episode that was undisturbed for a time. Without such a time, all operations ought to end well.
    pub(super) fn of(seen: &'a Episode, undisturbed: Duration) -> Self {
        let (offered, good) = sums(seen, 0, buckets(undisturbed, FINE));
        let before = if offered > 0.0 { (good / offered).min(1.0) } else { 1.0 };
        Self { seen, before }
    }

    /// The first moment from `ended` on from which goodput stays at [`RECOVERED`] for [`STAYS`], all of it before `until`.
    pub(super) fn recovered(&self, ended: Duration, until: Duration) -> Option<Duration> {
        let (stays, until) = (buckets(STAYS, FINE), buckets(until, FINE));
        let first = buckets(ended, FINE);
        let last = until.checked_sub(stays)?;
        let has_recovered = |from: &usize| {
            let (offered, good) = sums(self.seen, *from, from + stays);
            offered > 0.0 && good >= RECOVERED * self.before * offered
        };
        let bucket = (first..=last).find(has_recovered)?;
        // Never before the end: the bucket of the end began earlier.
        Some((FINE * u32::try_from(bucket).ok()?).max(ended))
    }

    /// Operations that were to end well from `began` to `until`, less those that did.
    pub(super) fn lost(&self, began: Duration, until: Duration) -> f64 {
        let (offered, good) = sums(self.seen, buckets(began, FINE), buckets(until, FINE));
        (self.before * offered - good).max(0.0)
    }
}

/// The goodput of one stretch of time by that of another, each a second; `None` if nothing ended well in the other, or one
/// has no time.
pub(super) fn ratio(seen: &Episode, of: (Duration, Duration), by: (Duration, Duration)) -> Option<f64> {
    let rate = |(from, until): (Duration, Duration)| {
        let length = until.checked_sub(from).filter(|length| !length.is_zero())?;
        Some(sums(seen, buckets(from, FINE), buckets(until, FINE)).1 / length.as_secs_f64())
    };
    let (of, by) = (rate(of)?, rate(by)?);
    (by > 0.0).then(|| of / by)
}

/// Operations that were due and that ended well in these buckets.
fn sums(seen: &Episode, from: usize, until: usize) -> (f64, f64) {
    let sum = |counts: &[u32]| {
        let until = until.min(counts.len());
        let counts = counts.get(from..until).unwrap_or_default();
        counts.iter().map(|count| f64::from(*count)).sum::<f64>()
    };
    (sum(&seen.offered), sum(&seen.good))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// An episode with ten operations due in each bucket, of which so many end well from each time on.
    fn episode(length_ms: u64, good: &[(u64, u32)]) -> Episode {
        let buckets = (length_ms / 10) as usize;
        let good_at = |bucket: usize| {
            let at = bucket as u64 * 10;
            good.iter().rev().find(|(from, _)| *from <= at).map_or(10, |(_, good)| *good)
        };
        Episode {
            offered: vec![10; buckets],
            good: (0..buckets).map(good_at).collect(),
            ..Episode::default()
        }
    }

    #[test]
    fn recovery_is_the_first_moment_from_which_goodput_stays_up_for_a_second() {
        // Down from 1 s on; the fault ends at 2 s, but goodput is half up at 2.3 s and up at 2.5 s.
        let seen = episode(5_000, &[(1_000, 0), (2_300, 5), (2_500, 10)]);
        let goodput = Goodput::of(&seen, ms(1_000));
        // A second may lack 5 %: five buckets at half, and half a bucket less.
        assert_eq!(goodput.recovered(ms(2_000), ms(5_000)), Some(ms(2_400)));
        // A second that is not over before what follows is not enough.
        assert_eq!(goodput.recovered(ms(2_000), ms(3_390)), None);
        assert_eq!(goodput.recovered(ms(2_000), ms(3_400)), Some(ms(2_400)));
        assert_eq!(goodput.recovered(ms(2_000), ms(500)), None);
    }

    #[test]
    fn a_rise_that_does_not_last_is_no_recovery_and_what_never_fell_has_recovered_at_once() {
        let seen = episode(5_000, &[(1_000, 0), (2_000, 10), (2_500, 3), (3_000, 10)]);
        let goodput = Goodput::of(&seen, ms(1_000));
        let recovered = goodput.recovered(ms(2_000), ms(5_000)).expect("it recovers");
        assert!(recovered >= ms(2_900) && recovered <= ms(3_000), "{recovered:?}");
        let untouched = episode(5_000, &[]);
        assert_eq!(Goodput::of(&untouched, ms(1_000)).recovered(ms(2_003), ms(5_000)), Some(ms(2_003)));
        let for_good = episode(5_000, &[(1_000, 9)]);
        assert_eq!(Goodput::of(&for_good, ms(1_000)).recovered(ms(2_000), ms(5_000)), None);
    }

    #[test]
    fn an_arm_is_held_to_what_it_did_before_and_not_to_all_that_was_due() {
        let seen = episode(5_000, &[(0, 8), (1_000, 0), (2_000, 8)]);
        let goodput = Goodput::of(&seen, ms(1_000));
        let recovered = goodput.recovered(ms(2_000), ms(5_000)).expect("it recovers");
        assert!(recovered <= ms(2_000), "{recovered:?}");
        // 100 buckets, each of which would have had 8.
        assert!((goodput.lost(ms(1_000), ms(2_000)) - 800.0).abs() < 1e-6);
        // With no time before, all ought to end well.
        assert!((Goodput::of(&seen, ms(0)).lost(ms(1_000), ms(2_000)) - 1_000.0).abs() < 1e-6);
    }

    #[test]
    fn an_arm_that_does_better_than_before_has_lost_nothing() {
        let seen = episode(3_000, &[(0, 5), (1_000, 10)]);
        assert!(Goodput::of(&seen, ms(1_000)).lost(ms(1_000), ms(2_000)).abs() < f64::EPSILON);
    }

    #[test]
    fn a_ratio_of_goodput_is_one_of_rates() {
        let seen = episode(4_000, &[(0, 10), (3_000, 4)]);
        let found = ratio(&seen, (ms(3_000), ms(4_000)), (ms(0), ms(2_000))).expect("a ratio");
        assert!((found - 0.4).abs() < 1e-9);
        assert_eq!(ratio(&seen, (ms(3_000), ms(3_000)), (ms(0), ms(2_000))), None);
        let down = episode(2_000, &[(0, 0)]);
        assert_eq!(ratio(&down, (ms(1_000), ms(2_000)), (ms(0), ms(1_000))), None);
    }
}
