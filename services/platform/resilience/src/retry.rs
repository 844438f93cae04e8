//! The retry policy: which calls are sent again, when, and how often, within a retry budget.
//!
//! A refused or broken connection says nothing about the other replicas, nor about the next connection: a
//! server may close an idle connection at any time, also while a request is in flight (RFC 9112, 9.5). So a
//! call that could not reach its callee, or was lost on the way and is idempotent, is sent again at once, whatever
//! the rule.
//! Every other failure says that the callee is in trouble, in which it needs time: a backoff.
//!
//! tower's `Retry` layer keeps a clone of each call and clones the policy with it, so `sent` counts within one
//! call. It polls the service's readiness before each send.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use contract::Why;
use pin_project_lite::pin_project;
use prometheus_client::metrics::counter::Counter;
use tokio::time::{Instant, Sleep, sleep};
use tower::retry::{
    Policy,
    budget::{Budget as _, TpsBudget},
};

use crate::{
    CallFacts, Failure, Judged,
    random::Random,
    settings::{BUDGET_WINDOW, BudgetSettings, RetrySettings},
};

/// tokio's timers end at the next millisecond: a pause may take that much longer.
const TIMER: Duration = Duration::from_millis(1);

/// Counters of retried calls, by reason, and of retries that were not made.
#[derive(Clone, Debug, Default)]
pub struct RetryCounters {
    /// The callee had not processed the call.
    pub not_processed: Counter,
    /// The connection was lost while the call was in flight; the callee may have processed it.
    pub lost: Counter,
    /// The attempt reached its time limit.
    pub timed_out: Counter,
    /// The callee was overloaded.
    pub overloaded: Counter,
    /// The callee failed.
    pub failed: Counter,
    /// The budget was used up.
    pub no_budget: Counter,
    /// The pause would have ended after the deadline.
    pub no_time: Counter,
}

impl RetryCounters {
    /// Retries that were made, whatever the reason.
    pub(crate) fn sent(&self) -> u64 {
        let Self { not_processed, lost, timed_out, overloaded, failed, no_budget: _, no_time: _ } = self;
        [not_processed, lost, timed_out, overloaded, failed].map(Counter::get).iter().sum()
    }
}

/// Which failures are retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A callee that could not be reached, at once.
    Unreachable,
    /// Every failure that may pass, after a backoff.
    Budgeted,
    /// A negative control: everything that is idempotent, at once, without a budget. It also retries a reply
    /// that says that something below the callee failed, which multiplies the load at each level of callers.
    Naive,
}

/// A retry budget: the extra calls that all callers of a callee in a process may make together.
///
/// Walkthrough. `TpsBudget` is a token bucket over the last ten seconds: with a share of a fifth, a reply
/// deposits one token and a retry withdraws five. A fixed reserve for so many retries a second over ten
/// seconds comes on top.
pub(crate) fn budget(settings: BudgetSettings) -> TpsBudget {
    TpsBudget::new(BUDGET_WINDOW, settings.per_second, settings.share)
}

/// What the calls to one callee share.
#[derive(Debug)]
struct Shared {
    rule: Rule,
    settings: RetrySettings,
    budget: Arc<TpsBudget>,
    random: Arc<Random>,
    retries: RetryCounters,
}

/// Sends a failed call again if that is safe: the callee did not process it, or it is idempotent.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    sent: u32,
    shared: Arc<Shared>,
}

impl RetryPolicy {
    /// The policy for the calls to one callee, within a budget.
    pub fn new(
        rule: Rule,
        settings: RetrySettings,
        budget: Arc<TpsBudget>,
        random: Arc<Random>,
        retries: RetryCounters,
    ) -> Self {
        Self { sent: 1, shared: Arc::new(Shared { rule, settings, budget, random, retries }) }
    }

    /// The pause before the next send; `None`: give up.
    fn pause(&self, call: &impl CallFacts, failure: &Failure) -> Option<Duration> {
        let Shared { rule, settings, budget, retries, .. } = &*self.shared;
        let is_safe = !failure.may_be_processed || call.idempotent();
        if self.sent >= settings.attempts || !is_safe || !rule.retries(failure) {
            return None;
        }
        if *rule == Rule::Naive {
            return Some(Duration::ZERO);
        }
        let pause = if failure.is_unreachable() { Duration::ZERO } else { self.backoff(failure) };
        if Instant::now() + pause + TIMER >= call.deadline() {
            retries.no_time.inc();
            return None;
        }
        // Last, because it takes tokens: a call that may not be retried must not pay for a retry.
        if !budget.withdraw() {
            retries.no_budget.inc();
            return None;
        }
        Some(pause)
    }

    /// Exponential backoff with full jitter, after the time that the callee asked for
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>): callers that failed together
    /// do not come back together.
    fn backoff(&self, failure: &Failure) -> Duration {
        let RetrySettings { backoff_base, backoff_cap, .. } = self.shared.settings;
        let doublings = 2_u32.saturating_pow(self.sent - 1);
        let longest = backoff_base.saturating_mul(doublings).min(backoff_cap);
        failure.retry_after.unwrap_or_default() + longest.mul_f64(self.shared.random.unit())
    }

    fn count(&self, failure: &Failure) {
        let retries = &self.shared.retries;
        let counter = match failure.unavailable.why {
            _ if !failure.may_be_processed => &retries.not_processed,
            Why::Unreachable => &retries.lost,
            Why::TimedOut => &retries.timed_out,
            Why::Overloaded => &retries.overloaded,
            Why::Broken | Why::Misunderstood | Why::Rejected => &retries.failed,
        };
        counter.inc();
    }
}

impl Rule {
    /// A rejected call is not retried: a retry would work against the caller's own protection.
    fn retries(self, failure: &Failure) -> bool {
        match self {
            Self::Unreachable => failure.is_unreachable(),
            Self::Budgeted => failure.is_of_the_callee(),
            Self::Naive => !failure.is_rejected(),
        }
    }
}

impl<C, R> Policy<C, R, Failure> for RetryPolicy
where
    C: Judged<R> + Clone,
{
    type Future = Pause;

    fn retry(&mut self, call: &mut C, outcome: &mut Result<R, Failure>) -> Option<Pause> {
        let Shared { rule, settings, budget, retries, .. } = &*self.shared;
        let pause = match outcome {
            Err(failure) => {
                let pause = self.pause(call, failure)?;
                self.count(failure);
                pause
            }
            Ok(reply) if *rule == Rule::Naive && call.idempotent() && call.is_unavailable(reply) => {
                if self.sent >= settings.attempts {
                    return None;
                }
                retries.failed.inc();
                Duration::ZERO
            }
            // An error of the contract is a reply, so it deposits as well.
            Ok(_) => {
                budget.deposit();
                return None;
            }
        };
        self.sent += 1;
        call.sent_again(self.sent - 1);
        Some(Pause::of(pause))
    }

    fn clone_request(&mut self, call: &C) -> Option<C> {
        Some(call.clone())
    }
}

pin_project! {
    /// The pause before a retry. There is none after a connection error: a new connection replaces a broken one
    /// at once, and the balancer passes over a replica that cannot be reached.
    #[derive(Debug)]
    pub struct Pause {
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Pause {
    fn of(pause: Duration) -> Self {
        Self { sleep: (!pause.is_zero()).then(|| sleep(pause)) }
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.as_pin_mut().map_or(Poll::Ready(()), |sleep| sleep.poll(context))
    }
}

#[cfg(test)]
mod tests;
