//! GCRA against the widely used crate `governor`.

use std::{num::NonZeroU32, time::Duration};

use governor::{Quota, RateLimiter, clock::FakeRelativeClock};
use limiter::{Algorithm, Limit};
use proptest::prelude::*;

use crate::support::{Arrival, START, Subject, arrivals};

/// Limits whose spacing is a whole number of nanoseconds: `governor` drops the remainder of the division.
fn limits() -> impl Strategy<Value = Limit> {
    (1..=12_u64, 1_000_000..100_000_000_u64, 1..=12_u64).prop_map(|(requests, spacing, burst)| {
        let window = Duration::from_nanos(requests * spacing);
        Limit::new(requests, window, Some(burst.min(requests))).unwrap()
    })
}

proptest! {
    #[test]
    fn gcra_decides_as_governor_does(
        (limit, arrivals) in limits().prop_flat_map(|limit| (Just(limit), arrivals(&limit, true)))
    ) {
        let quota = Quota::with_period(limit.window() / limit.requests())
            .unwrap()
            .allow_burst(NonZeroU32::new(limit.burst()).unwrap());
        let clock = FakeRelativeClock::default();
        let governor = RateLimiter::direct_with_clock(quota, clock.clone());
        let subject = Subject::new(Algorithm::Gcra, limit);
        let mut now = START;
        for Arrival { gap, cost } in arrivals {
            now += gap;
            clock.advance(Duration::from_nanos(gap));
            let cost = NonZeroU32::new(cost.max(1)).unwrap();
            let passes = governor.check_n(cost).is_ok_and(|inner| inner.is_ok());
            prop_assert_eq!(subject.ask(now, cost.get()).admits, passes);
        }
    }
}
