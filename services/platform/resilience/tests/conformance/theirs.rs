//! tower-resilience 0.14: its circuit breaker and its retry, set as ours are as far as they can be.

use std::sync::Arc;

use contract::Why;
use resilience::{
    Failure,
    settings::{BreakerSettings, RetrySettings, WindowSettings},
};
use tower::{Layer as _, ServiceExt as _, util::BoxCloneSyncService};
use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer, SlidingWindowType};
use tower_resilience_retry::{RetryBudget, RetryBudgetBuilder, RetryLayer};

use crate::world::{Call, Callee, Caller};

/// Its breaker reads `std::time::Instant`, so that the machine's clock has to pass as well.
/// It opens by a rate or by a run, not by both; the rate is the default.
pub(crate) fn breaker(settings: BreakerSettings, callee: Callee) -> Caller {
    let builder = CircuitBreakerLayer::builder()
        .failure_rate_threshold(settings.failure_rate)
        .minimum_number_of_calls(settings.minimum_calls as usize)
        .slow_call_duration_threshold(settings.slow_call)
        .slow_call_rate_threshold(settings.slow_rate)
        .wait_duration_in_open(settings.open_base)
        .permitted_calls_in_half_open(settings.probes as usize);
    let builder = match settings.window {
        WindowSettings::Calls(calls) => {
            builder.sliding_window_type(SlidingWindowType::CountBased).sliding_window_size(calls)
        }
        WindowSettings::Time(time) => {
            builder.sliding_window_type(SlidingWindowType::TimeBased).sliding_window_duration(time)
        }
    };
    // A call is a failure or a success; there is no third outcome.
    let is_failure = |result: &Result<(), Failure>| result.as_ref().is_err_and(Failure::is_of_the_callee);
    let layer = builder.failure_classifier(is_failure).build().expect("the settings are valid");
    let rejected = |error: CircuitBreakerError<Failure>| {
        error.into_inner().unwrap_or_else(|| Failure::rejected("probe"))
    };
    BoxCloneSyncService::new(layer.layer(callee).map_err(rejected))
}

/// A budget that clients share if somebody hands it to all of them.
pub(crate) type Budget = Arc<dyn RetryBudget>;

/// Ten retries a second and a hundred at once; it has no share of the calls.
pub(crate) fn budget() -> Budget {
    let bucket = RetryBudgetBuilder::new().token_bucket().tokens_per_second(10.0).max_tokens(100);
    bucket.initial_tokens(100).build().expect("the settings are valid")
}

/// Its predicate sees the error and not the call; the number of attempts may depend on the call.
pub(crate) fn retry(settings: RetrySettings, budget: &Budget, callee: Callee) -> Caller {
    let attempts = settings.attempts as usize;
    let layer = RetryLayer::<Call, (), Failure>::builder()
        .max_attempts_fn(move |call: &Call| if call.is_idempotent { attempts } else { 1 })
        .retry_on(|failure: &Failure| !matches!(failure.unavailable.why, Why::Rejected | Why::Misunderstood))
        .exponential_backoff(settings.backoff_base)
        .budget(Arc::clone(budget))
        .build();
    BoxCloneSyncService::new(layer.layer(callee))
}
