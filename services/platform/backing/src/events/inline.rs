//! In the request: an event has been published when its effect has been taken.

use std::sync::Arc;

use async_trait::async_trait;
use contract::Unavailable;

use super::{Batching, Event, EventMetrics, Publisher, Subscriber};

/// Hands each event to the subscriber and waits for it.
pub struct Inline {
    subscriber: Arc<dyn Subscriber>,
    metrics: EventMetrics,
}

impl Inline {
    /// Publishes to this subscriber.
    pub fn new(subscriber: Arc<dyn Subscriber>, metrics: EventMetrics) -> Self {
        Self { subscriber, metrics }
    }
}

#[async_trait]
impl Publisher for Inline {
    async fn publish(&self, event: Event) -> Result<(), Unavailable> {
        self.metrics.published.inc();
        self.subscriber.receive(&[event], Batching::Fixed).await?;
        self.metrics.received.inc();
        Ok(())
    }

    /// None: whoever published has waited for the effect.
    async fn pending(&self) -> Result<u64, Unavailable> {
        Ok(0)
    }
}
