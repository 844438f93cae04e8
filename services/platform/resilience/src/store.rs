//! The breaker before a store: for a client that is no tower service, and has limits of its own.
//!
//! Of the layers of a preset a store wears the breaker alone; decision 0059 says why.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    Preset, Settings,
    breaker::{Breaker, BreakerSnapshot, Outcome, Permit},
    metrics::Metrics,
};

/// What a process knows of a store. Cheap to clone; clones share the breaker. By default there is none.
#[derive(Clone, Debug, Default)]
pub struct StoreGuard(Option<Guarded>);

#[derive(Clone, Debug)]
struct Guarded {
    breaker: Arc<Breaker>,
    given_up: Duration,
}

impl StoreGuard {
    pub(crate) fn new(name: &'static str, preset: Preset, settings: &Settings, metrics: &Metrics) -> Self {
        let guarded = || Guarded {
            breaker: Breaker::new(name, settings.breaker, settings.seed, metrics.breaker(name)),
            given_up: settings.breaker.slow_call,
        };
        Self(preset.has_breaker().then(guarded))
    }

    /// Whether there is a breaker at all.
    pub fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// Admits a call; `None`: the breaker rejects it.
    pub fn admit(&self) -> Option<StoreCall> {
        let Some(Guarded { breaker, given_up }) = &self.0 else { return Some(StoreCall(None)) };
        let permit = breaker.admit()?;
        Some(StoreCall(Some(Admitted { permit, began: Instant::now(), given_up: *given_up, is_over: false })))
    }

    /// The breaker's state.
    pub(crate) fn snapshot(&self) -> Option<BreakerSnapshot> {
        self.0.as_ref().map(|guarded| guarded.breaker.snapshot())
    }
}

/// A call that was admitted.
#[derive(Debug)]
pub struct StoreCall(Option<Admitted>);

#[derive(Debug)]
struct Admitted {
    permit: Permit,
    began: Instant,
    given_up: Duration,
    is_over: bool,
}

impl StoreCall {
    /// Ends it: the store answered, or its failure says that it is unhealthy.
    pub fn ends(mut self, is_failure: bool) {
        if let Some(admitted) = &mut self.0 {
            admitted.is_over = true;
            admitted.permit.outcome = if is_failure { Outcome::Failure } else { Outcome::Success };
        }
    }
}

impl Drop for Admitted {
    /// The deadline of a request drops a statement that takes too long. One that was slow by then counts as a failure:
    /// otherwise the breaker would never open for a store that hangs.
    fn drop(&mut self) {
        if !self.is_over && self.began.elapsed() >= self.given_up {
            self.permit.outcome = Outcome::Failure;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::{Callees, breaker::State, settings::FAILURES_IN_A_ROW};

    fn store(preset: Preset) -> (Callees, StoreGuard) {
        let callees = Callees::default();
        let guard = callees.store("redis", "here:6379", preset, &Settings::default());
        (callees, guard)
    }

    fn state(callees: &Callees) -> Option<State> {
        let [store] = callees.snapshot().try_into().expect("one");
        store.breaker.map(|breaker| breaker.state)
    }

    #[test]
    fn a_store_that_fails_is_spared() {
        let (callees, guard) = store(Preset::Breaker);
        for _ in 0..FAILURES_IN_A_ROW {
            assert_eq!(state(&callees), Some(State::Closed));
            guard.admit().expect("it is closed").ends(true);
        }
        assert!(guard.admit().is_none());
        assert_eq!(state(&callees), Some(State::Open));
        let same = callees.store("redis", "here:6379", Preset::Breaker, &Settings::default());
        assert!(same.admit().is_none(), "all clients of a server share its breaker");
        let other = callees.store("redis", "there:6379", Preset::Breaker, &Settings::default());
        assert!(other.admit().is_some(), "another server has its own");
    }

    #[test]
    fn without_a_breaker_every_call_passes() {
        let (callees, guard) = store(Preset::Timeout);
        for _ in 0..100 {
            guard.admit().expect("nothing rejects it").ends(true);
        }
        assert_eq!(state(&callees), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_is_spared_and_one_whose_callers_leave_early_is_not() {
        let (callees, guard) = store(Preset::Full);
        for (held, expected) in [(0.9, State::Closed), (1.0, State::Open)] {
            for _ in 0..FAILURES_IN_A_ROW {
                let call = guard.admit().expect("it is closed");
                sleep(Settings::default().breaker.slow_call.mul_f64(held)).await;
                drop(call);
            }
            assert_eq!(state(&callees), Some(expected), "each was given up after {held} of a slow call");
        }
    }
}
