//! Local counts: all or none, dry runs, and bounded memory.

use std::time::Duration;

use limiter::{Algorithm, Capacity, Charge, CountError, CountKey, Counts, Fields, Limit, MAX_CHARGES, Take};

use crate::support::{SECOND, START, a_second, at_once, counts};

fn charge(key: &str, limit: Limit) -> Charge {
    Charge { key: CountKey(key.to_owned()), limit, enforced: true, cost: 1 }
}

fn dry(key: &str, limit: Limit) -> Charge {
    Charge { enforced: false, ..charge(key, limit) }
}

fn take(charges: &[Charge]) -> Take {
    Take { charges: charges.to_vec() }
}

#[test]
fn a_request_is_charged_to_all_of_its_keys_or_to_none() {
    for algorithm in Algorithm::ALL {
        let (counts, _) = counts(algorithm, Capacity::default());
        let both = take(&[charge("wide", a_second(100)), charge("narrow", a_second(2))]);
        for _ in 0..2 {
            assert!(counts.take_now(&both).unwrap().standings.iter().all(|standing| standing.admits));
        }
        let refusals = (0..50).filter(|_| !counts.take_now(&both).unwrap().standings[1].admits).count();
        assert!(refusals >= 49, "{algorithm:?}: one may wait in a queue");
        let alone = counts.take_one("wide", &a_second(100), 1).unwrap();
        assert!(alone.remaining >= 96, "{algorithm:?}: {alone:?}: a refused request was charged");
    }
}

#[test]
fn a_refused_request_leaves_no_key_behind() {
    let (counts, _) = counts(Algorithm::Gcra, Capacity::default());
    counts.take_one("narrow", &a_second(1), 1).unwrap();
    let both = take(&[charge("new", a_second(100)), charge("narrow", a_second(1))]);
    assert!(!counts.take_now(&both).unwrap().standings[1].admits);
    assert_eq!(counts.held().keys, 1);
}

#[test]
fn a_dry_run_refuses_nothing_and_counts_what_it_admits() {
    let (counts, _) = counts(Algorithm::Gcra, Capacity::default());
    let both = take(&[charge("enforced", a_second(10)), dry("dry", a_second(2))]);
    let remaining = |_| {
        let taken = counts.take_now(&both).unwrap();
        (taken.standings[0].remaining, taken.standings[1].admits)
    };
    let seen: Vec<_> = (0..4).map(remaining).collect();
    assert_eq!(seen, [(9, true), (8, true), (7, false), (6, false)]);
}

#[test]
fn a_dry_run_is_not_charged_for_a_request_that_another_limit_refuses() {
    let (counts, _) = counts(Algorithm::Gcra, Capacity::default());
    let both = take(&[charge("enforced", a_second(1)), dry("dry", a_second(5))]);
    let remaining: Vec<_> = (0..3).map(|_| counts.take_now(&both).unwrap().standings[1].remaining).collect();
    assert_eq!(remaining, [4, 4, 4]);
}

#[test]
fn one_key_under_two_limits_keeps_both() {
    let (counts, clock) = counts(Algorithm::Gcra, Capacity::default());
    let hour = Limit::new(15, Duration::from_hours(1), None).unwrap();
    let both = take(&[charge("a:second", a_second(10)), charge("a:hour", hour)]);
    let admitted = || {
        let all = |_: &u32| counts.take_now(&both).unwrap().standings.iter().all(|it| it.admits);
        (0..20).filter(all).count()
    };
    assert_eq!(admitted(), 10);
    clock.set(START + SECOND);
    assert_eq!(admitted(), 5);
}

#[test]
fn a_key_that_a_call_names_twice_has_room_for_both_or_is_charged_neither() {
    for algorithm in Algorithm::ALL {
        let (counts, _) = counts(algorithm, Capacity::default());
        let room = counts.take_one("fresh", &a_second(3), 0).unwrap().remaining;
        let twice = take(&[charge("a", a_second(3)), charge("a", a_second(3))]);
        for call in 0..room / 2 {
            let told = counts.take_now(&twice).unwrap().standings;
            assert!(told.iter().all(|it| it.admits), "{algorithm:?}: call {call}");
            assert_eq!(told[1].remaining, room - 2 * (call + 1), "{algorithm:?}");
        }
        let refused = counts.take_now(&twice).unwrap().standings;
        assert!(!refused[1].admits, "{algorithm:?}: {refused:?}");
        let left = counts.take_one("a", &a_second(3), 0).unwrap().remaining;
        assert_eq!(left, room % 2, "{algorithm:?}: what was refused was charged to nobody");
    }
}

#[test]
fn a_dry_run_that_finds_no_room_takes_none_from_another_charge_of_its_key() {
    for algorithm in Algorithm::ALL {
        let (counts, _) = counts(algorithm, Capacity::default());
        let costly = Charge { cost: 50, ..dry("a", a_second(3)) };
        let told = counts.take_now(&take(&[costly, charge("a", a_second(3))])).unwrap().standings;
        assert_eq!(told.iter().map(|it| it.admits).collect::<Vec<_>>(), [false, true], "{algorithm:?}");
    }
}

#[test]
fn many_charges_of_one_call_are_taken_together() {
    let (counts, _) = counts(Algorithm::Gcra, Capacity::default());
    let mut charges: Vec<_> =
        (0..MAX_CHARGES).map(|index| charge(&format!("key {index}"), a_second(10))).collect();
    let taken = at_once(counts.take(take(&charges))).unwrap();
    assert!(taken.standings.iter().all(|standing| standing.admits && standing.remaining == 9));
    assert_eq!(counts.held().keys, MAX_CHARGES as u64);
    charges.push(charge("one more", a_second(10)));
    assert_eq!(counts.take_now(&take(&charges)), Err(CountError::TooManyCharges));
    assert_eq!(counts.take_now(&take(&[])).unwrap().standings, []);
}

#[test]
fn what_a_key_holds_can_be_read_and_put_elsewhere() {
    let limit = a_second(10);
    for algorithm in Algorithm::ALL {
        let (here, _) = counts(algorithm, Capacity::default());
        let (there, _) = counts(algorithm, Capacity::default());
        let key = CountKey("a".to_owned());
        assert_eq!(here.fields(&key), None);
        for _ in 0..5 {
            here.take_one("a", &limit, 1).unwrap();
        }
        there.set_fields(&key, &limit, here.fields(&key).unwrap());
        let [first, second] =
            [&here, &there].map(|counts| counts.take_one("a", &limit, 1).unwrap().remaining);
        assert_eq!(first, second, "{algorithm:?}");
        there.set_fields(&key, &limit, Fields::default());
        assert!(there.take_one("a", &limit, 1).unwrap().remaining > first, "{algorithm:?}");
    }
}

#[test]
fn as_many_keys_as_there_is_capacity_for_are_held_and_none_makes_room() {
    let (counts, _) = counts(Algorithm::Gcra, Capacity { keys: 100_000, ..Capacity::default() });
    for key in 0..100_000 {
        counts.take_one(&format!("client-{key}"), &a_second(10), 1).unwrap();
    }
    let held = counts.held();
    assert_eq!(held.keys + held.evicted, 100_000);
    // At half of the slots occupied, both sets of a key are full once in thousands.
    assert!(held.evicted < 100, "{held:?}");
}

#[test]
fn what_owes_nothing_makes_room_and_is_not_missed() {
    let (counts, clock) = counts(Algorithm::Gcra, Capacity { keys: 100, ..Capacity::default() });
    for round in 0..1_000_u64 {
        clock.set(START + round * SECOND);
        for key in 0..50 {
            counts.take_one(&format!("{round}-{key}"), &a_second(10), 10).unwrap();
        }
    }
    let held = counts.held();
    assert!(held.keys <= held.places && held.evicted < 50, "{held:?}");
}
