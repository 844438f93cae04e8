//! Publishes to a topic, keyed, and waits for the acknowledgement.

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use contract::{Unavailable, Why};
use rdkafka::{
    error::KafkaError,
    producer::{FutureProducer, FutureRecord, Producer},
    util::Timeout,
};

use super::{headers, lag::GroupLag, producer, topic::Topic};
use crate::{
    Check,
    events::{Event, EventMetrics, Publisher},
};

/// How long the broker may take to acknowledge an event.
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_millis(1_500);

/// Publishes to a topic.
pub struct KafkaPublisher {
    address: String,
    producer: RwLock<FutureProducer>,
    topic: &'static str,
    lag: GroupLag,
    metrics: EventMetrics,
}

impl KafkaPublisher {
    /// A producer for the broker at `kafka://HOST:PORT`, which need not be there yet.
    pub fn new(address: &str, topic: &'static str, metrics: EventMetrics) -> Result<Self, KafkaError> {
        let producer = RwLock::new(connect(address)?);
        let lag = GroupLag::new(address, topic);
        Ok(Self { address: address.to_owned(), producer, topic, lag, metrics })
    }

    /// Whether the broker answers and has the topic: without it nothing can be published.
    pub fn check(&self) -> Check {
        let topic = Topic::new(&self.address, self.topic);
        Check::new(format!("events/{}", self.topic), move || {
            let topic = topic.clone();
            async move { topic.is_there().await }
        })
    }

    fn producer(&self) -> FutureProducer {
        self.producer.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An idempotent producer that can no longer tell what it has sent refuses everything from then on.
    /// A new one begins afresh: what failed has been reported as failed.
    fn replace_if_fatal(&self, used: &FutureProducer) {
        let Some((_, reason)) = used.client().fatal_error() else { return };
        let mut current = self.producer.write().unwrap_or_else(PoisonError::into_inner);
        if current.client().fatal_error().is_none() {
            return;
        }
        tracing::warn!(reason, "the producer is replaced");
        match connect(&self.address) {
            Ok(fresh) => *current = fresh,
            Err(error) => tracing::error!(%error, "there is no new producer"),
        }
    }
}

fn connect(address: &str) -> Result<FutureProducer, KafkaError> {
    producer(address).set("message.timeout.ms", ACKNOWLEDGE_WITHIN.as_millis().to_string()).create()
}

#[async_trait]
impl Publisher for KafkaPublisher {
    async fn publish(&self, event: Event) -> Result<(), Unavailable> {
        let producer = self.producer();
        let record = FutureRecord::<str, [u8]>::to(self.topic).key(&event.key).payload(&[]);
        let sent = producer.send(record.headers(headers(&event)), Timeout::After(ACKNOWLEDGE_WITHIN)).await;
        if let Err((error, _)) = sent {
            tracing::warn!(%error, "an event was not acknowledged");
            self.replace_if_fatal(&producer);
            return Err(Unavailable::new("kafka", Why::TimedOut));
        }
        self.metrics.published.inc();
        Ok(())
    }

    async fn pending(&self) -> Result<u64, Unavailable> {
        self.lag.events().await.map_err(|error| {
            tracing::debug!(%error, "the group's lag is not known");
            Unavailable::new("kafka", Why::Unreachable)
        })
    }
}
