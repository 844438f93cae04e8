//! The time to detect: when the first call or operation failed because of a disturbance.

use std::time::Duration;

use load::episode::{Episode, FINE};

use super::super::{Disturbance, buckets, readings::Sign};

/// How many standard deviations above their mean, and how many more, failures have to be that were there before.
const DEVIATIONS: f64 = 4.0;
const MORE: f64 = 3.0;

/// The time from the beginning of a disturbance to the first sign of it, by the operations of the generator or the calls of
/// a process, whichever is earlier.
pub(super) fn noticed(
    seen: &Episode,
    signs: &[Vec<Sign>],
    undisturbed: Duration,
    disturbance: &Disturbance,
) -> Option<Duration> {
    let by_calls = signs.iter().filter_map(|signs| by_calls(signs, undisturbed, disturbance));
    by_calls.chain(by_operations(seen, undisturbed, disturbance)).min()
}

/// The end of the bucket in which the first operation was refused or failed.
fn by_operations(seen: &Episode, undisturbed: Duration, disturbance: &Disturbance) -> Option<Duration> {
    let bad = seen.bad();
    let before = buckets(undisturbed, FINE).min(bad.len());
    let usual: f64 = bad[..before].iter().map(|count| f64::from(*count)).sum::<f64>() / before.max(1) as f64;
    let first = buckets(disturbance.began, FINE);
    let last = buckets(disturbance.until, FINE).min(bad.len());
    let mut so_far = 0.0;
    let found = (first..last).find(|at| {
        so_far += f64::from(bad[*at]);
        is_unusual(so_far, usual * (at - first + 1) as f64)
    })?;
    Some((FINE * u32::try_from(found + 1).ok()?).saturating_sub(disturbance.began))
}

/// The time of the reading that found the first call that failed or was retried.
fn by_calls(signs: &[Sign], undisturbed: Duration, disturbance: &Disturbance) -> Option<Duration> {
    let before = || signs.iter().filter(|sign| sign.at <= undisturbed);
    let time: f64 = before().map(|sign| (sign.at.saturating_sub(sign.from)).as_secs_f64()).sum();
    let calls: f64 = before().map(|sign| sign.calls).sum();
    let usual = if time > 0.0 { calls / time } else { 0.0 };
    let during = |sign: &&Sign| sign.at > disturbance.began && sign.from < disturbance.until;
    let (mut so_far, mut began) = (0.0, None);
    let found = signs.iter().filter(during).find(|sign| {
        so_far += sign.calls;
        let began = *began.get_or_insert(sign.from);
        is_unusual(so_far, usual * sign.at.saturating_sub(began).as_secs_f64())
    })?;
    Some(found.at.saturating_sub(disturbance.began))
}

/// Whether so many failures are more than the usual ones explain: any, where there are none usually.
fn is_unusual(found: f64, usual: f64) -> bool {
    let allowed = if usual > 0.0 { usual + DEVIATIONS * usual.sqrt() + MORE } else { 0.0 };
    found > allowed
}

#[cfg(test)]
mod tests {
    use load::episode::Ended;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn disturbance(began: u64) -> Disturbance {
        Disturbance { fault: Some(0), began: ms(began), ended: ms(1_500), until: ms(2_000) }
    }

    /// Two seconds with one bad end in each of these buckets.
    fn episode(bad: impl IntoIterator<Item = usize>) -> Episode {
        let mut counts = vec![0; 200];
        for bucket in bad {
            counts[bucket] += 1;
        }
        let ended = vec![Ended { cause: "timeout", failed: true, counts }];
        Episode { offered: vec![0; 200], good: vec![0; 200], ended, ..Episode::default() }
    }

    fn signs(calls: &[(u64, f64)]) -> Vec<Sign> {
        calls.iter().map(|(at, calls)| Sign { from: ms(at - 100), at: ms(*at), calls: *calls }).collect()
    }

    #[test]
    fn the_first_operation_that_fails_is_the_sign_where_none_failed_before() {
        let seen = episode([105, 130]);
        // It failed within [1,050, 1,060) ms.
        assert_eq!(noticed(&seen, &[], ms(1_000), &disturbance(1_003)), Some(ms(57)));
        assert_eq!(noticed(&episode([50]), &[], ms(1_000), &disturbance(1_003)), None, "before it began");
        let until = Disturbance { until: ms(1_050), ..disturbance(1_003) };
        assert_eq!(noticed(&seen, &[], ms(1_000), &until), None, "because of what follows");
    }

    #[test]
    fn callers_may_notice_before_users_do() {
        let calls = signs(&[(100, 0.0), (1_000, 0.0), (1_100, 0.0), (1_200, 2.0)]);
        assert_eq!(
            noticed(&episode([]), std::slice::from_ref(&calls), ms(1_000), &disturbance(1_020)),
            Some(ms(180))
        );
        assert_eq!(noticed(&episode([105]), &[calls], ms(1_000), &disturbance(1_020)), Some(ms(40)));
    }

    #[test]
    fn failures_that_are_usual_are_no_sign() {
        // One in every second bucket before and after; from bucket 120 on two in each.
        let usual = (0..200).filter(|at| at % 2 == 0);
        assert_eq!(noticed(&episode(usual.clone()), &[], ms(1_000), &disturbance(1_000)), None);
        let more = usual.chain((120..200).flat_map(|at| [at, at]));
        let found = noticed(&episode(more), &[], ms(1_000), &disturbance(1_000)).expect("it is seen");
        assert!(found > ms(200) && found < ms(400), "{found:?}");
        let steady: Vec<(u64, f64)> = (1..20).map(|at| (at * 100, 5.0)).collect();
        assert_eq!(noticed(&episode([]), &[signs(&steady)], ms(1_000), &disturbance(1_000)), None);
    }
}
