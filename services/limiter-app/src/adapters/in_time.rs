//! Calls with a time limit: a limiter that delays a request by more than the request itself takes does harm.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use design::Limits;
use limiter::{Ask, Asks, CountError, Counts, Decision, DecisionError, Decisions, Take, Taken};
use remote::{Context, current, scope};
use tokio::time::Instant;

/// The time limit of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within(pub Duration);

impl Within {
    /// The limit for counts: the response time-out of Redis.
    pub fn counts(limits: Limits) -> Self {
        Self(limits.redis())
    }

    /// The limit for a decision: twice that of counts, so that a decision made without them still arrives.
    pub fn decision(limits: Limits) -> Self {
        Self(2 * limits.redis())
    }

    /// Runs a call with a deadline, which its hop observes; a call without a hop does not wait.
    async fn run<F: Future>(self, call: F) -> F::Output {
        let mut context = current().unwrap_or_else(Context::unattended);
        context.deadline = context.deadline.min(Instant::now() + self.0);
        scope(context, call).await
    }
}

/// A component whose calls have a time limit.
pub struct InTime<T: ?Sized> {
    service: Arc<T>,
    within: Within,
}

impl<T: ?Sized> InTime<T> {
    /// Wraps a component.
    pub fn new(service: Arc<T>, within: Within) -> Self {
        Self { service, within }
    }
}

#[async_trait]
impl Counts for InTime<dyn Counts> {
    async fn take(&self, take: Take) -> Result<Taken, CountError> {
        self.within.run(self.service.take(take)).await
    }
}

#[async_trait]
impl Decisions for InTime<dyn Decisions> {
    async fn decide(&self, ask: Ask) -> Result<Decision, DecisionError> {
        self.within.run(self.service.decide(ask)).await
    }

    async fn decide_all(&self, asks: Asks) -> Result<Vec<Decision>, DecisionError> {
        self.within.run(self.service.decide_all(asks)).await
    }
}
