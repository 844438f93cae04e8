//! Every algorithm against its definition, its bound, and its own predictions.

use std::time::Duration;

use limiter::{
    Algorithm, Limit, State,
    algorithm::{Fields, FixedWindow, Gcra, LeakyBucket, SlidingCounter, SlidingLog, TokenBucket},
};
use proptest::prelude::*;

use crate::{
    oracle::{Passed, oracle},
    support::{Arrival, SECOND, START, Subject, a_second, scenes},
};

/// Instantiates a generic check for the state of each algorithm.
macro_rules! each {
    ($check:ident($($argument:expr),*)) => {{
        $check::<FixedWindow>($($argument),*)?;
        $check::<SlidingLog>($($argument),*)?;
        $check::<SlidingCounter>($($argument),*)?;
        $check::<TokenBucket>($($argument),*)?;
        $check::<LeakyBucket>($($argument),*)?;
        $check::<Gcra>($($argument),*)?;
    }};
}

type Checked = Result<(), TestCaseError>;

proptest! {
    #[test]
    fn every_decision_is_the_one_of_the_definition((limit, arrivals) in scenes(true)) {
        for algorithm in Algorithm::ALL {
            let subject = Subject::new(algorithm, limit);
            let mut oracle = oracle(algorithm, &limit);
            let mut now = START;
            for Arrival { gap, cost } in &arrivals {
                now += gap;
                let standing = subject.ask(now, *cost);
                let told = standing.admits.then_some(standing.wait.as_nanos() as u64);
                prop_assert_eq!(told, oracle.decide(now, u64::from(*cost).max(1)), "{:?} at {}", algorithm, now);
            }
        }
    }

    #[test]
    fn no_window_holds_more_than_the_bound((limit, arrivals) in scenes(false)) {
        for algorithm in Algorithm::ALL {
            let subject = Subject::new(algorithm, limit);
            let mut passed = Passed::new(limit.window().as_nanos() as u64);
            let mut now = START;
            for Arrival { gap, .. } in &arrivals {
                now += gap;
                let standing = subject.ask(now, 1);
                if standing.admits {
                    passed.pass(now + standing.wait.as_nanos() as u64, 1);
                }
            }
            prop_assert!(passed.most() <= algorithm.bound(&limit), "{:?}: {}", algorithm, passed.most());
        }
    }

    #[test]
    fn nothing_is_refused_that_had_less_than_the_floor((limit, arrivals) in scenes(false)) {
        for algorithm in Algorithm::ALL {
            let (subject, floor) = (Subject::new(algorithm, limit), algorithm.floor(&limit));
            let mut admitted = Passed::new(floor.within.as_nanos() as u64);
            let mut now = START;
            for Arrival { gap, .. } in &arrivals {
                now += gap;
                let had = admitted.within(now);
                if subject.ask(now, 1).admits {
                    admitted.pass(now, 1);
                } else {
                    prop_assert!(had >= floor.admitted, "{:?}: {} of {:?} at {}", algorithm, had, floor, now);
                }
            }
        }
    }

    #[test]
    fn a_standing_tells_the_truth((limit, arrivals) in scenes(true)) {
        each!(tells_the_truth(&limit, &arrivals));
    }

    #[test]
    fn a_count_that_is_beyond_its_limit_tells_the_truth_too((limit, arrivals) in scenes(true), most: [u32; 2]) {
        tells_the_truth_from(beyond(&limit, most), &limit, &arrivals)?;
    }

    #[test]
    fn a_state_goes_through_its_fields_and_stays_what_it_is((limit, arrivals) in scenes(true)) {
        each!(survives_its_fields(&limit, &arrivals));
    }

    #[test]
    fn fields_that_mean_nothing_do_no_harm_for_long(
        (limit, _) in scenes(false),
        fields: [u64; 3],
        small: [u32; 3],
    ) {
        each!(heals(&limit, Fields(fields)));
        each!(heals(&limit, Fields(small.map(u64::from))));
        each!(heals(&limit, Fields([START, u64::MAX, u64::MAX])));
    }
}

/// A time plus a duration, in nanoseconds.
fn later(now: u64, duration: Duration) -> u64 {
    now + duration.as_nanos() as u64
}

fn tells_the_truth<S: State>(limit: &Limit, arrivals: &[Arrival]) -> Checked {
    tells_the_truth_from(S::default(), limit, arrivals)
}

fn tells_the_truth_from<S: State>(mut state: S, limit: &Limit, arrivals: &[Arrival]) -> Checked {
    let mut now = START;
    for Arrival { gap, cost } in arrivals {
        now += gap;
        let told = state.take(limit, *cost, now);
        let judged = |cost: u32, now: u64| state.clone().judge(limit, cost, now);
        prop_assert_eq!(judged(1, now).remaining, told.remaining);
        prop_assert!(told.remaining == 0 || judged(told.remaining, now).admits);
        prop_assert!(!judged(told.remaining + 1, now).admits);
        let fresh = S::default().judge(limit, 1, later(now, told.reset_after)).remaining;
        prop_assert_eq!(judged(1, later(now, told.reset_after)).remaining, fresh);
        prop_assert_eq!(told.more_after > Duration::ZERO, told.remaining < fresh, "{:?}", told);
        if told.remaining < fresh {
            finds_room_then(&judged, told.remaining + 1, now, told.more_after)?;
        }
        prop_assert_eq!(told.admits, told.retry_after == Some(Duration::ZERO));
        prop_assert_eq!(told.retry_after.is_some(), *cost <= fresh, "never, or at some time: {:?}", told);
        if let Some(retry_after) = told.retry_after.filter(|_| !told.admits) {
            finds_room_then(&judged, *cost, now, retry_after)?;
            prop_assert!(*cost > 1 || retry_after == told.more_after, "{:?}", told);
        }
    }
    Ok(())
}

/// Checks that a cost fits after exactly its `retry_after`.
fn finds_room_then(
    judged: &impl Fn(u32, u64) -> limiter::Standing,
    cost: u32,
    now: u64,
    after: Duration,
) -> Checked {
    let then = later(now, after);
    prop_assert!(judged(cost, then).admits, "there is no room after {:?}", after);
    prop_assert!(!judged(cost, then - 1).admits, "there is room before {:?}", after);
    Ok(())
}

/// Merged counts of several replicas: up to the limit in the previous window, up to twice that in the current
/// one.
fn beyond(limit: &Limit, [previous, current]: [u32; 2]) -> SlidingCounter {
    let (window, requests) = (START / limit.window().as_nanos() as u64, limit.requests());
    let counts = [previous % (requests + 1), current % (2 * requests + 1)];
    SlidingCounter::from_fields(Fields([window, counts[0].into(), counts[1].into()]))
}

fn survives_its_fields<S: State>(limit: &Limit, arrivals: &[Arrival]) -> Checked {
    let mut state = S::default();
    let mut now = START;
    for Arrival { gap, cost } in arrivals {
        now += gap;
        let mut copy = S::from_fields(state.fields());
        let (told, by_copy) = (state.take(limit, *cost, now), copy.take(limit, *cost, now));
        // A log does not fit into `Fields`; the restored state refuses sooner, never later.
        let is_log = state.bytes() > 0;
        let is_kept = if is_log { told.admits || !by_copy.admits } else { told == by_copy };
        prop_assert!(is_kept, "{:?} became {:?}", told, by_copy);
    }
    Ok(())
}

fn heals<S: State>(limit: &Limit, fields: Fields) -> Checked {
    let mut state = S::from_fields(fields);
    for cost in [1, limit.requests(), u32::MAX] {
        state.take(limit, cost, START);
    }
    let healed = START + 4 * limit.window().as_nanos() as u64;
    let fresh = S::default().judge(limit, 1, healed).remaining;
    prop_assert_eq!(state.judge(limit, 1, healed).remaining, fresh);
    Ok(())
}

/// Sends requests at these nanoseconds after [`START`], with the number at each; returns the most that passed
/// in any window.
fn most(algorithm: Algorithm, limit: &Limit, asked: impl IntoIterator<Item = (u64, u32)>) -> u64 {
    let subject = Subject::new(algorithm, *limit);
    let mut passed = Passed::new(limit.window().as_nanos() as u64);
    for (at, requests) in asked {
        for _ in 0..requests {
            let standing = subject.ask(START + at, 1);
            if standing.admits {
                passed.pass(later(START + at, standing.wait), 1);
            }
        }
    }
    passed.most()
}

#[test]
fn every_bound_is_reached() {
    let limit = a_second(10);
    let around_a_boundary = [(SECOND - 1, 99), (SECOND, 99), (2 * SECOND - 2, 99)];
    for (algorithm, bound) in [(Algorithm::FixedWindow, 20), (Algorithm::SlidingCounter, 19)] {
        assert_eq!(algorithm.bound(&limit), bound);
        assert_eq!(most(algorithm, &limit, around_a_boundary), bound, "{algorithm:?}");
    }
    let without_pause = || (0..3_000).map(|millis| (millis * 1_000_000, 2));
    for (algorithm, bound) in [
        (Algorithm::SlidingLog, 10),
        (Algorithm::LeakyBucket, 10),
        (Algorithm::TokenBucket, 19),
        (Algorithm::Gcra, 19),
    ] {
        assert_eq!(algorithm.bound(&limit), bound);
        assert_eq!(most(algorithm, &limit, without_pause()), bound, "{algorithm:?}");
    }
}

#[test]
fn what_a_window_holds_beyond_its_limit_is_made_up_for_in_the_next() {
    let limit = a_second(10);
    for more in 0..=10 {
        let mut state = beyond(&limit, [0, limit.requests() + more]);
        // From the next window on, a request comes every millisecond, and nine pass in each window: the
        // weighted count is rounded up.
        let windows = (1..4_u64).map(|window| {
            let moments = (0..1_000).map(|millis| START + window * SECOND + millis * 1_000_000);
            moments.filter(|now| state.take(&limit, 1, *now).admits).count() as u32
        });
        assert_eq!(windows.collect::<Vec<_>>(), [9_u32.saturating_sub(more), 9, 9], "{more} too many");
    }
}

#[test]
fn a_burst_of_one_lets_nobody_have_more_than_the_limit_in_any_window() {
    let limit = Limit::new(10, Duration::from_secs(1), Some(1)).unwrap();
    for algorithm in [Algorithm::TokenBucket, Algorithm::Gcra] {
        assert_eq!(algorithm.bound(&limit), 10);
        assert_eq!(most(algorithm, &limit, (0..3_000).map(|millis| (millis * 1_000_000, 2))), 10);
    }
}

#[test]
fn the_largest_and_the_slowest_limit_count_right() {
    let largest = a_second(Limit::MAX_REQUESTS);
    let slowest = Limit::new(1, Limit::WINDOWS.1, None).unwrap();
    for algorithm in Algorithm::ALL {
        let subject = Subject::new(algorithm, largest);
        let whole = subject.ask(START, Limit::MAX_REQUESTS as u32);
        assert!(whole.admits, "{algorithm:?}");
        assert!(subject.ask(START, 2).retry_after > Some(Duration::ZERO), "{algorithm:?}");
        let subject = Subject::new(algorithm, slowest);
        assert!(subject.ask(START, 1).admits && !subject.ask(START, 1).admits, "{algorithm:?}");
        assert!(subject.ask(START + 63 * 24 * 3_600 * SECOND, 1).admits, "{algorithm:?}");
    }
}

#[test]
fn a_cost_that_never_fits_is_not_told_to_come_back() {
    for algorithm in Algorithm::ALL {
        let subject = Subject::new(algorithm, a_second(10));
        for cost in [12, u32::MAX] {
            let standing = subject.ask(START, cost);
            assert!(!standing.admits && standing.retry_after.is_none(), "{algorithm:?}");
        }
        assert!(subject.ask(START, 10).admits, "{algorithm:?}: nothing was charged");
    }
}

#[test]
fn a_cost_of_nothing_is_judged_as_one_and_charges_nothing() {
    for algorithm in Algorithm::ALL {
        let subject = Subject::new(algorithm, a_second(3));
        let room = subject.ask(START, 0).remaining;
        for _ in 0..5 {
            let asked = subject.ask(START, 0);
            assert!(asked.admits && asked.remaining == room && asked.more_after.is_zero(), "{algorithm:?}");
        }
        assert_eq!(subject.admitted(START, 9), room, "{algorithm:?}");
        assert!(!subject.ask(START, 0).admits, "{algorithm:?}: there is no room for one");
    }
}

#[test]
fn one_more_finds_room_long_before_all_is_there_again() {
    let limit = Limit::new(10, Duration::from_mins(1), None).unwrap();
    for algorithm in [Algorithm::Gcra, Algorithm::TokenBucket] {
        let subject = Subject::new(algorithm, limit);
        assert_eq!(subject.admitted(START, 10), 10);
        let refused = subject.ask(START, 1);
        let seconds = |seconds| Duration::from_secs(seconds);
        assert_eq!((refused.more_after, refused.reset_after), (seconds(6), seconds(60)), "{algorithm:?}");
        assert_eq!(refused.retry_after, Some(refused.more_after), "{algorithm:?}");
    }
}

#[test]
fn a_queue_lets_requests_out_evenly_and_keeps_nobody_longer_than_a_second() {
    let subject = Subject::new(Algorithm::LeakyBucket, a_second(10));
    let waits: Vec<_> =
        (0..12).map(|_| subject.ask(START, 1)).filter(|it| it.admits).map(|it| it.wait).collect();
    assert_eq!(waits, (0..=10).map(|turn| Duration::from_millis(100 * turn)).collect::<Vec<_>>());
    let slow = Limit::new(10, Duration::from_secs(100), None).unwrap();
    assert_eq!(Subject::new(Algorithm::LeakyBucket, slow).admitted(START, 99), 1);
}

#[test]
fn every_name_is_found_and_no_other() {
    for algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::parse(algorithm.name()), Some(algorithm));
    }
    assert_eq!(Algorithm::parse("GCRA"), None);
    assert_eq!(Algorithm::default(), Algorithm::Gcra);
}
