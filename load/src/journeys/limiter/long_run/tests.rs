//! The long run against limiters of every kind, correct and not.

use proptest::prelude::*;

use super::*;
use crate::journeys::limiter::oracle::Room;

/// The window and the limit of every test.
const WINDOW: Nanos = 1_000;
const REQUESTS: u64 = 20;

/// The send, decision and reply times of a request.
#[derive(Clone, Copy, Debug)]
struct Request {
    sent: Nanos,
    decided: Nanos,
    replied: Nanos,
}

/// Requests in the order of their decisions: bursts, a trickle and pauses, with replies that take up to
/// `slow`.
fn traffic(slow: Nanos) -> impl Strategy<Value = Vec<Request>> {
    let piece = (1_usize..200, prop_oneof![Just(1_u64), Just(20), Just(60), Just(3_000)]);
    let pieces = prop::collection::vec(piece, 1..12);
    (pieces, any::<u64>()).prop_map(move |(pieces, seed)| {
        let (mut now, mut random, mut requests) = (seed % WINDOW, seed, Vec::new());
        let mut draw = |most: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % (most + 1)
        };
        for (count, gap) in pieces {
            for _ in 0..count {
                now += draw(2 * gap);
                requests.push(Request {
                    sent: now.saturating_sub(draw(slow)),
                    decided: now,
                    replied: now + draw(slow),
                });
            }
        }
        requests
    })
}

/// A rule: whether it admits at a time, given its earlier admissions.
type Rule = fn(&[Nanos], Nanos) -> bool;

fn within(admitted: &[Nanos], from: Nanos, until: Nanos) -> u64 {
    admitted.iter().filter(|&&at| at >= from && at < until).count() as u64
}

fn sliding_log(admitted: &[Nanos], now: Nanos) -> bool {
    within(admitted, (now + 1).saturating_sub(WINDOW), now + 1) < REQUESTS
}

fn fixed_window(admitted: &[Nanos], now: Nanos) -> bool {
    let begin = now / WINDOW * WINDOW;
    within(admitted, begin, now + 1) < REQUESTS
}

fn sliding_counter(admitted: &[Nanos], now: Nanos) -> bool {
    let begin = now / WINDOW * WINDOW;
    let last = within(admitted, begin.saturating_sub(WINDOW), begin);
    let in_sight = (last * (WINDOW - (now - begin))).div_ceil(WINDOW);
    within(admitted, begin, now + 1) + in_sight < REQUESTS
}

fn token_bucket(admitted: &[Nanos], now: Nanos) -> bool {
    let (mut level, mut last) = (0_u64, 0);
    for &at in admitted {
        level = level.saturating_sub((at - last) * REQUESTS) + WINDOW;
        last = at;
    }
    level.saturating_sub((now - last) * REQUESTS) + WINDOW <= REQUESTS * WINDOW
}

/// Each with its bound in any window, and its floor: the admissions before a refusal, and the number of
/// windows.
const HONEST: [(&str, Rule, u64, (u64, u64)); 4] = [
    ("sliding log", sliding_log, REQUESTS, (REQUESTS, 1)),
    ("fixed window", fixed_window, 2 * REQUESTS, (REQUESTS, 1)),
    ("sliding counter", sliding_counter, 2 * REQUESTS - 1, (REQUESTS, 2)),
    ("token bucket", token_bucket, 2 * REQUESTS - 1, (REQUESTS, 1)),
];

/// The findings about a limiter with this rule: too many, too few, refused too early.
fn found(rule: Rule, at_most: u64, floor: (u64, u64), requests: &[Request]) -> [u64; 3] {
    let mut admitted = Vec::new();
    let mut decided: Vec<(Request, bool)> = Vec::new();
    for &request in requests {
        let admits = rule(&admitted, request.decided);
        if admits {
            admitted.push(request.decided);
        }
        decided.push((request, admits));
    }
    decided.sort_by_key(|(request, _)| request.replied);
    let mut surplus = Surplus::beyond(at_most, REQUESTS, WINDOW);
    let mut shortage = Shortage::below(REQUESTS, at_most, WINDOW);
    let (mut room, mut early) = (Room::within(floor.0, floor.1 * WINDOW), 0);
    for (place, &(Request { sent, replied, .. }, admits)) in decided.iter().enumerate() {
        let open = decided[place + 1..].iter().filter(|(later, _)| later.sent <= replied).count();
        if admits {
            surplus.admitted(sent, replied);
            shortage.maybe_admitted();
            room.maybe_admitted(replied);
        } else {
            shortage.refused(sent, replied, open);
            early += u64::from(room.was_certain(sent, replied, open));
        }
    }
    [surplus.count(), shortage.count(), early]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_honest_limiter_is_accused(requests in traffic(30)) {
        for (name, rule, at_most, floor) in HONEST {
            prop_assert_eq!(found(rule, at_most, floor, &requests), [0, 0, 0], "{}", name);
        }
    }
}

/// Evenly spaced requests for this many windows.
fn flood(windows: u64, gap: Nanos) -> Vec<Request> {
    (0..windows * WINDOW / gap)
        .map(|nth| nth * gap)
        .map(|at| Request { sent: at, decided: at, replied: at + 1 })
        .collect()
}

#[test]
fn who_keeps_every_window_and_not_the_long_run_is_found() {
    let (_, _, at_most, floor) = HONEST[1];
    let nearly_twice: Rule =
        |admitted, now| within(admitted, now / WINDOW * WINDOW, now + 1) < 2 * REQUESTS - 1;
    let [surplus, ..] = found(nearly_twice, at_most, floor, &flood(20, 5));
    // All but those of the first two windows.
    assert!(surplus >= 15 * (REQUESTS - 1), "{surplus}");
}

#[test]
fn who_keeps_a_client_below_its_rate_for_long_is_found_though_each_window_may_explain_it() {
    let half: Rule = |admitted, now| within(admitted, now / WINDOW * WINDOW, now + 1) < REQUESTS / 2 + 2;
    let [surplus, shortage, _] = found(half, 2 * REQUESTS, (REQUESTS, 2), &flood(60, 5));
    assert_eq!(surplus, 0);
    // Less a tenth for pauses, one for rounding, and the allowance for the ends of the stretch.
    let certain = 60 * (REQUESTS * 9 / 10 - 1 - (REQUESTS / 2 + 2)) - 4 * REQUESTS;
    assert!(shortage.abs_diff(certain) <= 2 * REQUESTS, "{shortage} of {certain}");
}

#[test]
fn who_refuses_a_client_below_its_limit_is_found_at_once() {
    let tenth: Rule = |_, now| now % 200 != 0;
    let [.., early] = found(tenth, REQUESTS, (REQUESTS, 1), &flood(10, 100));
    assert_eq!(early, 50, "every second of a hundred");
}
