//! The retry policy: which calls are sent again, and how many.
//!
//! A refused or broken connection says nothing about the other replicas, nor about the next connection: a
//! server may close an idle connection at any time, also while a request is in flight (RFC 9112, 9.5).
//!
//! tower's `Retry` layer keeps a clone of each call and clones the policy with it, so `left` counts within
//! one call. The budget is behind an `Arc`, so all calls of a client share it.

use std::{
    future::{Ready, ready},
    sync::Arc,
    time::Duration,
};

use prometheus_client::metrics::counter::Counter;
use tower::retry::{
    Policy,
    budget::{Budget as _, TpsBudget},
};

use crate::{Budgeted, Failure};

/// Retries per call. One is not enough: the next pooled connection may be about to close as well.
const RETRIES: u32 = 2;
/// Retries may be a fifth of the successful calls, and ten a second when there are few: Finagle's defaults
/// (<https://twitter.github.io/finagle/guide/Clients.html#retries>). So retries cannot multiply the load on a
/// failing callee.
const SHARE: f32 = 0.2;
const AT_LEAST_PER_SECOND: u32 = 10;
/// How long a successful call counts towards the budget.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Counters of retried calls, by reason.
#[derive(Clone, Debug, Default)]
pub struct Retries {
    /// The callee had not processed the call.
    pub not_processed: Counter,
    /// The connection was lost while the call was in flight; the callee may have processed it.
    pub lost: Counter,
}

/// Retries a call to an unreachable callee if the callee did not process it or if it is idempotent.
#[derive(Clone, Debug)]
pub struct Again {
    left: u32,
    budget: Arc<TpsBudget>,
    retries: Retries,
}

impl Again {
    /// The policy for the calls of one client, which share a budget.
    pub fn new(retries: Retries) -> Self {
        Self {
            left: RETRIES,
            budget: Arc::new(TpsBudget::new(REMEMBERED, AT_LEAST_PER_SECOND, SHARE)),
            retries,
        }
    }
}

impl<C: Budgeted + Clone, R> Policy<C, R, Failure> for Again {
    type Future = Ready<()>;

    fn retry(&mut self, call: &mut C, outcome: &mut Result<R, Failure>) -> Option<Ready<()>> {
        // Walkthrough. `TpsBudget` is a token bucket over the last ten seconds: with a share of a fifth, a
        // reply deposits one token and a retry withdraws five. A fixed reserve for ten retries a second over
        // ten seconds comes on top. An error of the contract is a reply, so it deposits as well.
        let Err(failure) = outcome else {
            self.budget.deposit();
            return None;
        };
        // `withdraw` comes last because it takes tokens: a call that may not be retried must not pay for a
        // retry.
        let is_safe = !failure.may_be_processed || call.idempotent();
        if self.left == 0 || !failure.is_unreachable() || !is_safe || !self.budget.withdraw() {
            return None;
        }
        self.left -= 1;
        let count = if failure.may_be_processed { &self.retries.lost } else { &self.retries.not_processed };
        count.inc();
        // No pause before the retry: a new connection replaces a broken one at once, and the balancer passes
        // over a replica that cannot be reached.
        Some(ready(()))
    }

    fn clone_request(&mut self, call: &C) -> Option<C> {
        Some(call.clone())
    }
}

#[cfg(test)]
mod tests {
    use contract::{Unavailable, Why};
    use tokio::time::Instant;

    use super::*;

    #[derive(Clone)]
    struct Call {
        is_idempotent: bool,
    }

    impl Budgeted for Call {
        fn deadline(&self) -> Instant {
            Instant::now() + Duration::from_secs(1)
        }

        fn idempotent(&self) -> bool {
            self.is_idempotent
        }

        fn service(&self) -> &'static str {
            "probe"
        }
    }

    fn is_retried(policy: &mut Again, is_idempotent: bool, failure: Failure) -> bool {
        policy.retry(&mut Call { is_idempotent }, &mut Err::<(), _>(failure)).is_some()
    }

    fn failure(why: Why) -> Failure {
        Unavailable::new("probe", why).into()
    }

    #[test]
    fn a_lost_call_is_sent_again_if_it_is_idempotent_or_nobody_acted_on_it() {
        let retries = Retries::default();
        let fresh = || Again::new(retries.clone());
        let lost = || failure(Why::Unreachable);
        assert!(is_retried(&mut fresh(), true, lost()));
        assert!(!is_retried(&mut fresh(), false, lost()));
        let not_processed = || Failure::not_processed(lost().unavailable);
        assert!(is_retried(&mut fresh(), false, not_processed()));
        for why in [Why::TimedOut, Why::Overloaded, Why::Misunderstood, Why::Broken] {
            assert!(!is_retried(&mut fresh(), true, failure(why)), "{why:?}");
        }
        assert_eq!((retries.lost.get(), retries.not_processed.get()), (1, 1));
    }

    #[test]
    fn a_call_is_sent_again_twice_and_all_calls_share_a_budget() {
        let mut policy = Again::new(Retries::default());
        let lost = || failure(Why::Unreachable);
        let mut first = policy.clone();
        for is_left in [true, true, false] {
            assert_eq!(is_retried(&mut first, true, lost()), is_left);
        }
        let granted = (0..10_000).filter(|_| is_retried(&mut policy.clone(), true, lost())).count();
        let reserve = (AT_LEAST_PER_SECOND * REMEMBERED.as_secs() as u32) as usize;
        assert_eq!(granted + 2, reserve, "with no answers at all there is the reserve");
        for _ in 0..50 {
            assert!(policy.retry(&mut Call { is_idempotent: true }, &mut Ok(())).is_none());
        }
        let granted = (0..10_000).filter(|_| is_retried(&mut policy.clone(), true, lost())).count();
        assert_eq!(granted, 10, "a fifth of what was answered since");
    }
}
