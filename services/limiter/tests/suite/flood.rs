//! A flood of new keys does not reset a used-up one.

use limiter::{Algorithm, Capacity, Limit};

use crate::support::{START, a_second, counts};

const SMALL: Capacity = Capacity { keys: 1_000, log_bytes: 64 << 10 };

#[test]
fn three_million_keys_take_no_more_memory_than_the_table_was_made_with() {
    for algorithm in [Algorithm::Gcra, Algorithm::SlidingCounter] {
        let (counts, _) = counts(algorithm, SMALL);
        let before = counts.held();
        for key in 0..3_000_000_u32 {
            counts.take_one(&key.to_string(), &a_second(10), 1).unwrap();
        }
        let after = counts.held();
        assert_eq!((before.bytes, before.places), (after.bytes, after.places));
        assert_eq!(after.keys, after.places, "{after:?}");
        assert_eq!(after.keys + after.evicted, 3_000_000);
    }
}

/// The number of 100 used-up keys that are admitted again after a flood of new ones, all within a
/// millisecond.
fn reset_by_a_flood(algorithm: Algorithm, capacity: Capacity) -> usize {
    let (counts, clock) = counts(algorithm, capacity);
    let limit = a_second(100);
    let take = |key: &str, at: u64| {
        clock.set(START + at);
        counts.take_one(key, &limit, 1).unwrap().admits
    };
    for abuser in 0..100 {
        let admitted = (0..300).filter(|at| take(&format!("abuser-{abuser}"), *at)).count();
        assert!(admitted >= 100, "{algorithm:?}");
    }
    for key in 0..200_000_u64 {
        take(&key.to_string(), 1_000 + key);
    }
    (0..100).filter(|abuser| take(&format!("abuser-{abuser}"), 1_000_000)).count()
}

#[test]
fn a_used_up_key_stays_used_up_while_others_are_made_up() {
    for algorithm in Algorithm::ALL {
        let capacity = Capacity { keys: 1_000, log_bytes: 2 << 20 };
        assert_eq!(reset_by_a_flood(algorithm, capacity), 0, "{algorithm:?}, out of places");
    }
    let short_of_bytes = Capacity { keys: 10_000, log_bytes: 1 << 20 };
    assert_eq!(reset_by_a_flood(Algorithm::SlidingLog, short_of_bytes), 0);
}

#[test]
fn a_key_whose_log_made_room_for_others_is_protected_again_once_it_is_used_up() {
    let (counts, clock) = counts(Algorithm::SlidingLog, Capacity { keys: 1_000, log_bytes: 256 << 10 });
    // Each at a distinct time, which makes an entry of its own.
    let mut now = START;
    let mut take = |key: &str, limit: u64, cost: u32| {
        now += 1;
        clock.set(now);
        counts.take_one(key, &a_second(limit), cost).unwrap()
    };
    let abusers: Vec<_> = (0..100).map(|number| format!("abuser-{number}")).collect();
    for abuser in &abusers {
        take(abuser, 10, 1);
    }
    // Other logs need the bytes; there are enough slots.
    for other in 0..1_500 {
        for _ in 0..60 {
            take(&format!("other-{other}"), 100, 1);
        }
    }
    let forgotten: Vec<_> = abusers.iter().filter(|abuser| take(abuser, 10, 10).admits).collect();
    assert!(forgotten.len() > 10, "{} logs made room", forgotten.len());
    for new in 0..200_000 {
        take(&format!("new-{new}"), 10, 1);
    }
    let reset = forgotten.iter().filter(|abuser| take(abuser, 10, 10).admits).count();
    assert_eq!(reset, 0, "of {}", forgotten.len());
}

#[test]
fn a_flood_under_a_long_limit_does_not_reset_what_is_used_up_under_a_short_one() {
    let (counts, _) = counts(Algorithm::Gcra, SMALL);
    let long = Limit::new(1_000, Limit::WINDOWS.1, None).unwrap();
    counts.take_one("abuser", &a_second(10), 10).unwrap();
    for key in 0..100_000_u32 {
        counts.take_one(&key.to_string(), &long, 1).unwrap();
    }
    assert!(!counts.take_one("abuser", &a_second(10), 1).unwrap().admits);
}

#[test]
fn a_clock_that_went_back_leaves_no_places_that_can_never_be_used() {
    let (counts, clock) = counts(Algorithm::Gcra, SMALL);
    clock.set(2 * START);
    for key in 0..100_000_u32 {
        counts.take_one(&format!("before-{key}"), &a_second(10), 1).unwrap();
    }
    clock.set(START);
    for key in 0..10_000_u32 {
        counts.take_one(&format!("used-up-{key}"), &a_second(10), 10).unwrap();
    }
    let kept = (0..10_000_u32)
        .filter(|key| !counts.take_one(&format!("used-up-{key}"), &a_second(10), 10).unwrap().admits)
        .count();
    assert!(kept > 1_000, "{kept}");
}

#[test]
fn logs_have_a_limit_of_bytes_and_the_least_used_make_room() {
    let capacity = Capacity { keys: 10_000, log_bytes: 256 << 10 };
    let (counts, clock) = counts(Algorithm::SlidingLog, capacity);
    let before = counts.held().bytes;
    let limit = a_second(1_000);
    let mut most = 0;
    for turn in 0..200_000_u64 {
        clock.set(START + turn * 1_000);
        counts.take_one(&(turn % 5_000).to_string(), &limit, 1).unwrap();
        if turn % 1_000 == 0 {
            most = most.max(counts.held().bytes - before);
        }
    }
    // One growth of each shard's largest log may exceed the limit.
    assert!(most > 128 << 10 && most < 384 << 10, "{most}");
    assert!(counts.held().evicted > 0);
}

#[test]
fn a_log_that_alone_is_more_than_there_may_be_is_refused_and_not_forgotten() {
    let (counts, clock) = counts(Algorithm::SlidingLog, Capacity { keys: 1, log_bytes: 1_000 });
    let limit = a_second(1_000);
    let mut admitted = 0;
    let mut failed = 0;
    for turn in 0..2_000_u64 {
        clock.set(START + turn * 1_000);
        match counts.take_one("a", &limit, 1) {
            Ok(standing) => admitted += u32::from(standing.admits),
            Err(_) => failed += 1,
        }
    }
    assert!(admitted > 30 && failed > 1_000, "{admitted} admitted, {failed} failed");
    assert!(counts.held().bytes < 10_000);
}
