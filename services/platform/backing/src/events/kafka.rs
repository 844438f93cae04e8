//! Through Kafka: an event has been published when all in-sync replicas have it.
//!
//! The producer is idempotent, so that its own retries neither double nor reorder.
//! The consumer commits an offset after the effect, so that a crash makes an event come again, never go missing;
//! the subscriber is idempotent by event id, so that coming again has no effect.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use contract::{Unavailable, Why};
use futures::FutureExt;
use rdkafka::{
    ClientConfig, Message,
    consumer::{CommitMode, Consumer, StreamConsumer},
    error::KafkaError,
    message::{BorrowedMessage, Header, Headers, OwnedHeaders},
    producer::{BaseProducer, FutureProducer, FutureRecord, Producer},
    util::Timeout,
};
use tokio::{sync::oneshot, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Batching, Event, EventMetrics, Publisher, Subscriber};
use crate::Background;

/// How long the broker may take to acknowledge an event.
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_millis(1_500);
/// Events whose effect is taken together.
const BATCH: usize = 1_000;
/// The pause before a batch that failed is tried again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long the broker may take to make a topic.
const TOPIC_WITHIN: Duration = Duration::from_secs(5);
/// How long leaving the group may take: the broker answers within milliseconds, or not at all.
const LEFT_WITHIN: Duration = Duration::from_secs(2);
/// The header that carries the event id.
const ID: &str = "event-id";

fn client(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address.trim_start_matches("kafka://"));
    config
}

/// Publishes to a topic, keyed, and waits for the acknowledgement.
pub struct KafkaPublisher {
    producer: FutureProducer,
    topic: &'static str,
    metrics: EventMetrics,
}

impl KafkaPublisher {
    /// A producer for the broker at `kafka://HOST:PORT`.
    pub fn new(address: &str, topic: &'static str, metrics: EventMetrics) -> Result<Self, KafkaError> {
        let producer = client(address)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            // What gathers within a millisecond travels together.
            .set("linger.ms", "1")
            .set("queue.buffering.max.messages", "20000")
            .set("message.timeout.ms", ACKNOWLEDGE_WITHIN.as_millis().to_string())
            .create()?;
        Ok(Self { producer, topic, metrics })
    }
}

#[async_trait]
impl Publisher for KafkaPublisher {
    async fn publish(&self, event: Event) -> Result<(), Unavailable> {
        let id = event.id.to_be_bytes();
        let headers = OwnedHeaders::new().insert(Header { key: ID, value: Some(&id) });
        let record = FutureRecord::<str, [u8]>::to(self.topic).key(&event.key).payload(&[]).headers(headers);
        self.producer.send(record, Timeout::After(ACKNOWLEDGE_WITHIN)).await.map_err(|(error, _)| {
            tracing::warn!(%error, "an event was not acknowledged");
            Unavailable::new("kafka", Why::TimedOut)
        })?;
        self.metrics.published.inc();
        Ok(())
    }
}

/// Receives a topic as a member of a consumer group.
pub struct KafkaConsumer;

impl KafkaConsumer {
    /// Starts to receive in the background, for this subscriber.
    pub fn start(
        address: &str,
        topic: &'static str,
        subscriber: Arc<dyn Subscriber>,
        metrics: EventMetrics,
        background: &Background,
    ) -> Result<(), KafkaError> {
        let consumer: StreamConsumer = client(address)
            .set("group.id", topic)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            // A topic that a publisher makes is seen within a second.
            .set("topic.metadata.refresh.interval.ms", "1000")
            .set("allow.auto.create.topics", "true")
            .create()?;
        see_to_topic(address, topic)?;
        consumer.subscribe(&[topic])?;
        background.start(|stop| async move {
            receive(&consumer, subscriber, metrics, stop).await;
            leave(consumer).await;
        });
        Ok(())
    }
}

/// Sees to it that the topic is there before a group forms around it.
///
/// A broker that makes topics by itself makes it when a producer asks about it.
/// Production makes topics deliberately, with as many partitions and copies as they need.
fn see_to_topic(address: &str, topic: &str) -> Result<(), KafkaError> {
    let asking: BaseProducer = client(address).create()?;
    let until = Instant::now() + TOPIC_WITHIN;
    loop {
        let metadata = asking.client().fetch_metadata(Some(topic), TOPIC_WITHIN)?;
        let there =
            metadata.topics().iter().any(|found| found.name() == topic && !found.partitions().is_empty());
        if there || Instant::now() > until {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Leaves the group, so that its other members need not wait for a time-out.
///
/// Dropping a consumer blocks its thread until the broker has answered, for ever if that is gone: so a thread of its
/// own does it, and this process goes on to its end.
async fn leave(consumer: StreamConsumer) {
    let (left, has_left) = oneshot::channel();
    std::thread::spawn(move || {
        drop(consumer);
        let _ = left.send(());
    });
    if timeout(LEFT_WITHIN, has_left).await.is_err() {
        tracing::warn!("the group was left without the broker's word");
    }
}

async fn receive(
    consumer: &StreamConsumer,
    subscriber: Arc<dyn Subscriber>,
    metrics: EventMetrics,
    stop: CancellationToken,
) {
    while let Some(first) = stop.run_until_cancelled(consumer.recv()).await {
        let first = match first {
            Ok(first) => first,
            Err(error) => {
                tracing::warn!(%error, "nothing could be received");
                continue;
            }
        };
        let mut batch: Vec<Event> = parse(&first).into_iter().collect();
        while batch.len() < BATCH {
            let Some(Ok(message)) = consumer.recv().now_or_never() else { break };
            batch.extend(parse(&message));
        }
        while let Err(error) = subscriber.receive(&batch, Batching::Shifting).await {
            tracing::warn!(%error, events = batch.len(), "a batch comes again");
            if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                return;
            }
        }
        metrics.received.inc_by(batch.len() as u64);
        // The effect is taken: only now may the offset move.
        if let Err(error) = consumer.commit_consumer_state(CommitMode::Async) {
            tracing::debug!(%error, "nothing to commit");
        }
    }
}

/// The event in a message; what is none is logged and passed over.
fn parse(message: &BorrowedMessage<'_>) -> Option<Event> {
    let id = message
        .headers()
        .and_then(|headers| headers.iter().find(|header| header.key == ID))
        .and_then(|header| header.value?.try_into().ok())
        .map(u128::from_be_bytes);
    let key = message.key().and_then(|key| std::str::from_utf8(key).ok());
    let (Some(id), Some(key)) = (id, key) else {
        tracing::error!(offset = message.offset(), "a message is no event");
        return None;
    };
    Some(Event { id, key: key.to_owned() })
}
