//! Calls that end in time: a limiter that keeps a request waiting for longer than the request itself would take is worse
//! than none.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use limiter::{Ask, Asks, CountError, Counts, Decision, DecisionError, Decisions, Take, Taken};
use remote::{Context, current, scope};
use runtime::Limits;
use tokio::time::Instant;

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within(pub Duration);

impl Within {
    /// Counts: as long as a Redis server has.
    pub fn counts(limits: Limits) -> Self {
        Self(limits.redis())
    }

    /// A decision: the counts twice over, so that a decision that had to do without them arrives.
    pub fn decision(limits: Limits) -> Self {
        Self(2 * limits.redis())
    }

    /// Runs a call whose hop, if it takes one, ends in time; where there is no hop nobody has to wait.
    async fn run<F: Future>(self, call: F) -> F::Output {
        let mut context = current().unwrap_or_else(Context::unattended);
        context.deadline = context.deadline.min(Instant::now() + self.0);
        scope(context, call).await
    }
}

/// A component whose calls end in time.
pub struct InTime<T: ?Sized> {
    service: Arc<T>,
    within: Within,
}

impl<T: ?Sized> InTime<T> {
    /// Gives each call so long.
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
