//! Clocks that go back and forward while a key is used.

use limiter::{Algorithm, Limit};
use proptest::prelude::*;

use crate::{
    oracle::Passed,
    support::{SECOND, START, Subject, a_second, arrivals, limits},
};

/// A limit, arrivals for it, and the clock's adjustment before each, in windows and parts of one.
fn scenes() -> impl Strategy<Value = (Limit, Vec<(u64, u64)>)> {
    limits().prop_flat_map(|limit| {
        let window = limit.window().as_nanos() as u64;
        let jump = prop_oneof![
            12 => Just(0),
            2 => 0..=window / 4,
            2 => 0..=window * 2,
            1 => 0..=window * 10_000_000 / window.max(1) * window
        ];
        let jumps = prop::collection::vec(jump, 120);
        let scene = |(arrivals, jumps): (Vec<crate::support::Arrival>, Vec<u64>)| {
            arrivals.iter().zip(jumps).map(|(arrival, jump)| (arrival.gap, jump)).collect()
        };
        (Just(limit), (arrivals(&limit, false), jumps).prop_map(scene))
    })
}

proptest! {
    #[test]
    fn a_clock_that_goes_back_again_and_again_admits_nothing_more((limit, scene) in scenes()) {
        for algorithm in Algorithm::ALL {
            let subject = Subject::new(algorithm, limit);
            let mut passed = Passed::new(limit.window().as_nanos() as u64);
            let (mut real, mut behind) = (START, 0);
            for (gap, jump) in &scene {
                real += gap;
                behind += jump.min(&(START / 200));
                let standing = subject.ask(real - behind, 1);
                if standing.admits {
                    passed.pass(real + standing.wait.as_nanos() as u64, 1);
                }
            }
            prop_assert!(passed.most() <= algorithm.bound(&limit), "{:?}: {}", algorithm, passed.most());
        }
    }

    #[test]
    fn a_clock_that_goes_forward_once_admits_no_more_than_a_new_key((limit, scene) in scenes(), at in 0..120_usize) {
        for algorithm in Algorithm::ALL {
            let subject = Subject::new(algorithm, limit);
            let mut passed = Passed::new(limit.window().as_nanos() as u64);
            let (mut real, mut ahead) = (START, 0);
            for (index, (gap, jump)) in scene.iter().enumerate() {
                real += gap;
                ahead += if index == at { *jump } else { 0 };
                let standing = subject.ask(real + ahead, 1);
                // A queued request leaves later, so this looks at its admission.
                if standing.admits {
                    passed.pass(real, 1);
                }
            }
            let queued = if algorithm == Algorithm::LeakyBucket { u64::from(limit.burst()) } else { 0 };
            let bound = algorithm.bound(&limit) + queued;
            prop_assert!(passed.most() <= 2 * bound, "{:?}: {}", algorithm, passed.most());
        }
    }
}

#[test]
fn a_key_is_good_again_within_three_windows_however_far_the_clock_went_back() {
    for algorithm in Algorithm::ALL {
        let subject = Subject::new(algorithm, a_second(10));
        let far = START + 365 * 24 * 3_600 * SECOND;
        assert!(subject.admitted(far, 20) >= 10, "{algorithm:?}");
        assert_eq!(subject.admitted(START, 20), 0, "{algorithm:?}");
        assert!(subject.admitted(START + 3 * SECOND, 20) >= 10, "{algorithm:?}");
    }
}

#[test]
fn a_moment_that_was_read_a_little_too_early_costs_nothing() {
    for algorithm in Algorithm::ALL {
        let subject = Subject::new(algorithm, a_second(10));
        assert!(subject.ask(START + SECOND, 1).admits);
        let earlier = subject.ask(START + SECOND - 1, 1);
        assert!(earlier.admits && earlier.remaining >= 7, "{algorithm:?}: {earlier:?}");
    }
}
