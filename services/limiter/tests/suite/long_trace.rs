//! A trace of many keys; the bench `limiter` runs a longer one.

use limiter::Algorithm;

use crate::trace::{findings, limit};

#[test]
fn no_decision_of_a_long_trace_is_wrong_and_no_bound_is_passed() {
    for algorithm in Algorithm::ALL {
        let found = findings(algorithm, 1, 300_000);
        assert_eq!(found.wrong, 0, "{algorithm:?}: {found:?}");
        assert!(found.most <= algorithm.bound(&limit()), "{algorithm:?}: {found:?}");
        assert!(found.admitted > 100_000 && found.admitted < 290_000, "{algorithm:?}: {found:?}");
        match algorithm {
            Algorithm::SlidingLog => assert_eq!((found.over, found.falsely_refused), (0, 0)),
            Algorithm::LeakyBucket => assert_eq!(found.over, 0),
            _ => assert!(found.over > 0, "{algorithm:?} is no sliding window: {found:?}"),
        }
    }
}
