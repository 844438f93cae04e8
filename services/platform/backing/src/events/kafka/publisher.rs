//! Publishes events to a topic by their keys, and waits for the acknowledgement.

use std::time::Duration;

use async_trait::async_trait;
use contract::{Unavailable, Why};
use prometheus_client::metrics::counter::Counter;
use rdkafka::{error::KafkaError, producer::FutureRecord};

use super::{
    lag::GroupLag,
    message::headers,
    producer::{Producer, unavailable},
    topic::KafkaTopic,
};
use crate::{
    Check,
    events::{event::Event, publisher::Publisher},
};

/// The time limit for the acknowledgement of an event.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_millis(1_500);

/// Publishes events to a topic.
pub struct KafkaPublisher {
    address: String,
    producer: Producer,
    topic: &'static str,
    groups: Vec<GroupLag>,
    published: Counter,
}

impl KafkaPublisher {
    /// Creates a publisher for the broker at `kafka://HOST:PORT`, which need not be available yet. `groups` are the ids of
    /// the topic's consumer groups ([`Group::id`](crate::Group::id)).
    pub fn new(
        address: &str,
        topic: &'static str,
        groups: impl IntoIterator<Item = String>,
        published: Counter,
    ) -> Result<Self, KafkaError> {
        let producer = Producer::new(address, ACKNOWLEDGED_WITHIN)?;
        let groups = groups.into_iter().map(|group| GroupLag::new(address, topic, group)).collect();
        Ok(Self { address: address.to_owned(), producer, topic, groups, published })
    }

    /// Whether the broker answers and has the topic, without which nothing can be published.
    pub fn check(&self) -> Check {
        let topic = KafkaTopic::new(&self.address, self.topic);
        Check::new(format!("events/{}", self.topic), move || {
            let topic = topic.clone();
            async move { topic.is_there().await }
        })
    }
}

/// The message that carries an event to this topic.
pub(in crate::events) fn record<'a>(topic: &'a str, event: &'a Event) -> FutureRecord<'a, [u8], [u8]> {
    FutureRecord {
        topic,
        partition: None,
        payload: Some(&event.payload.bytes[..]),
        key: Some(event.key.as_bytes()),
        timestamp: i64::try_from(event.headers.published.millis()).ok(),
        headers: Some(headers(event)),
    }
}

#[async_trait]
impl Publisher for KafkaPublisher {
    async fn publish(&self, event: Event) -> Result<(), Unavailable> {
        self.producer.send(record(self.topic, &event)).await.map_err(|error| unavailable(&error))?;
        self.published.inc();
        Ok(())
    }

    async fn pending(&self) -> Result<u64, Unavailable> {
        let mut pending = 0;
        for group in &self.groups {
            pending += group.events().await.map_err(|error| {
                tracing::debug!(%error, "the lag of a consumer group is unknown");
                Unavailable::new("kafka", Why::Unreachable)
            })?;
        }
        Ok(pending)
    }
}
