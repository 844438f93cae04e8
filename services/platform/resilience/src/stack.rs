//! The stack: a preset's layers around a transport, each with the reason for its place.

use tower::{
    Layer, Service, ServiceBuilder,
    retry::RetryLayer,
    util::{BoxCloneSyncService, option_layer},
};

use crate::{
    Failure, Judged,
    breaker::BreakerLayer,
    callee::Callee,
    hedge::HedgeLayer,
    limit::LimitLayer,
    retry::RetryPolicy,
    settings::{AttemptSettings, Order},
    time_limit::{AdaptiveTimeLimit, TimeLimit},
};

/// A transport inside its layers.
pub type Stack<C, R> = BoxCloneSyncService<C, R, Failure>;

/// Puts the layers of the callee's preset around a transport, outermost first.
pub fn stack<C, R, S>(callee: &Callee, transport: S) -> Stack<C, R>
where
    C: Judged<R> + Clone + Send + Sync + 'static,
    R: Send + 'static,
    S: Service<C, Response = R, Error = Failure> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let layers = Layers::of(callee);
    if callee.settings.order != Order::default() || layers.adaptive_attempt.is_some() {
        return layers.in_order(callee.settings.order, transport);
    }
    let stack = ServiceBuilder::new()
        // Outermost, because all attempts together end at the caller's deadline.
        .layer(TimeLimit::deadline_only())
        // Inside the deadline, so that no attempt begins after it. Outside all that follows, so that each attempt
        // has a limit of its own and the breaker counts attempts: it is the callee that it judges, and a retry
        // that an open breaker rejects is not sent.
        .layer(layers.retry)
        // Inside the retry, because both attempts of a race are one to it. Outside the concurrency limit and the breaker,
        // so that the second attempt needs a permit like the first.
        .option_layer(layers.hedge)
        // Outside the breaker, so that a call without a permit takes no probe of it. Inside the retry, so that an
        // operation that backs off holds no permit.
        .option_layer(layers.limit)
        // Outside the limit of an attempt, so that it sees a call that was too slow as a failure. Inside that
        // limit it would see a caller who went away, which says nothing, and never open for a callee that hangs.
        .option_layer(layers.breaker)
        // Next to the transport, because it limits one attempt; choosing a replica is part of an attempt.
        .option_layer(layers.attempt);
    BoxCloneSyncService::new(stack.service(transport))
}

/// The layers of a preset.
struct Layers {
    retry: RetryLayer<RetryPolicy>,
    hedge: Option<HedgeLayer>,
    limit: Option<LimitLayer>,
    breaker: Option<BreakerLayer>,
    /// The limit of an attempt is fixed, or adaptive, or there is none.
    attempt: Option<TimeLimit>,
    adaptive_attempt: Option<AdaptiveTimeLimit>,
}

impl Layers {
    fn of(callee: &Callee) -> Self {
        let Callee { preset, settings, budget, random, retries, .. } = callee;
        let (budget, random) = (budget.clone(), random.clone());
        let again = RetryPolicy::new(preset.rule(), settings.retry, budget, random, retries.clone());
        let attempt = match settings.attempt {
            AttemptSettings::Fixed(limit) if preset.has_attempt_limit() => {
                Some(TimeLimit::per_attempt(limit))
            }
            _ => None,
        };
        Self {
            retry: RetryLayer::new(again),
            hedge: callee.hedges.clone().map(HedgeLayer::new),
            limit: callee.limit.clone().map(LimitLayer::new),
            breaker: callee.breaker.clone().map(BreakerLayer::new),
            attempt,
            adaptive_attempt: callee.times.clone().map(AdaptiveTimeLimit::new),
        }
    }

    /// Another order, or an adaptive limit, for the scenarios that compare these. Each layer is boxed, because the order
    /// is not known to the compiler.
    fn in_order<C, R, S>(self, order: Order, transport: S) -> Stack<C, R>
    where
        C: Judged<R> + Clone + Send + Sync + 'static,
        R: Send + 'static,
        S: Service<C, Response = R, Error = Failure> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        let is_outside = order.attempt_limit_outside_retry;
        let (attempt, adaptive) = (self.attempt, self.adaptive_attempt);
        let limited = |is_here: bool, inner| {
            let adaptive = option_layer(adaptive.clone().filter(|_| is_here));
            boxed(&option_layer(attempt.filter(|_| is_here)), boxed(&adaptive, inner))
        };
        let stack = limited(!is_outside, BoxCloneSyncService::new(transport));
        let (limit, breaker) = (option_layer(self.limit), option_layer(self.breaker));
        let (hedge, retry) = (option_layer(self.hedge), self.retry);
        let stack = if order.retry_inside_breaker {
            boxed(&breaker, boxed(&limit, boxed(&retry, boxed(&hedge, stack))))
        } else {
            boxed(&retry, boxed(&hedge, boxed(&limit, boxed(&breaker, stack))))
        };
        boxed(&TimeLimit::deadline_only(), limited(is_outside, stack))
    }
}

fn boxed<C, R, S, L>(layer: &L, inner: S) -> Stack<C, R>
where
    L: Layer<S>,
    L::Service: Service<C, Response = R, Error = Failure> + Clone + Send + Sync + 'static,
    <L::Service as Service<C>>::Future: Send + 'static,
    C: 'static,
    R: 'static,
{
    BoxCloneSyncService::new(layer.layer(inner))
}
