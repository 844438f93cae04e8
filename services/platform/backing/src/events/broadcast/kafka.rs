//! Through a Kafka topic that every process consumes as a whole, from its end at the start.
//!
//! There is no consumer group: each process has all partitions assigned and commits no offsets. Events that were sent while
//! the connection was lost are received afterwards, because the topic still has them. So gaps are rare.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use contract::Unavailable;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    error::KafkaError,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    Broadcast,
    feed::{BroadcastMetrics, Feed},
};
use crate::{
    Background, Check,
    events::{
        event::Event,
        kafka::{
            client, close,
            lag::{ANSWER_WITHIN, partitions},
            message::parse,
            producer::{Producer, unavailable},
            publisher::record,
            topic::KafkaTopic,
        },
    },
    waiting::ThrottledLog,
};

/// The time limit for the acknowledgement of an event.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_millis(1_500);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// Broadcasts through a topic.
pub struct KafkaBroadcast {
    producer: Producer,
    name: &'static str,
    topic: KafkaTopic,
    feed: Feed,
    listens: Arc<AtomicBool>,
}

impl KafkaBroadcast {
    /// Starts to consume in the background. The broker at `kafka://HOST:PORT` need not be available yet.
    pub fn start(
        address: &str,
        name: &'static str,
        metrics: &BroadcastMetrics,
        background: &Background,
    ) -> Result<Self, KafkaError> {
        let consumer: StreamConsumer = client(address)
            // librdkafka requires an id. No group is joined, because partitions are assigned explicitly.
            .set("group.id", format!("{name}.{:016x}", remote::new_span_id()))
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "latest")
            .create()?;
        let (topic, feed) = (KafkaTopic::new(address, name), Feed::new(name, metrics));
        let listens = Arc::<AtomicBool>::default();
        let listening = Listening {
            consumer: Arc::new(consumer),
            name,
            topic: topic.clone(),
            feed: feed.clone(),
            listens: Arc::clone(&listens),
        };
        background.start(|stop| listening.run(stop));
        let producer = Producer::new(address, ACKNOWLEDGED_WITHIN)?;
        Ok(Self { producer, name, topic, feed, listens })
    }
}

#[async_trait]
impl Broadcast for KafkaBroadcast {
    async fn send(&self, event: Event) -> Result<(), Unavailable> {
        self.producer.send(record(self.name, &event)).await.map_err(|error| unavailable(&error))?;
        self.feed.sent();
        Ok(())
    }

    fn feed(&self) -> &Feed {
        &self.feed
    }

    fn check(&self) -> Check {
        let (topic, listens) = (self.topic.clone(), Arc::clone(&self.listens));
        Check::new(format!("broadcast/{}", self.name), move || {
            let (topic, listens) = (topic.clone(), listens.load(Ordering::Relaxed));
            async move { listens && topic.is_there().await }
        })
    }
}

/// The consumer of a process.
struct Listening {
    consumer: Arc<StreamConsumer>,
    name: &'static str,
    topic: KafkaTopic,
    feed: Feed,
    listens: Arc<AtomicBool>,
}

impl Listening {
    async fn run(self, stop: CancellationToken) {
        let consuming = async {
            self.topic.ensure().await;
            self.begin().await;
            self.listens.store(true, Ordering::Relaxed);
            self.feed.gap();
            self.receive().await;
        };
        stop.run_until_cancelled(consuming).await;
        close(self.consumer).await;
    }

    /// Assigns all partitions, from their ends.
    async fn begin(&self) {
        let mut log = ThrottledLog::default();
        loop {
            let (consumer, name) = (Arc::clone(&self.consumer), self.name);
            // The client blocks its thread while it waits for the broker.
            let begun = tokio::task::spawn_blocking(move || assign_ends(&consumer, name)).await;
            match begun.unwrap_or(Err(KafkaError::Canceled)) {
                Ok(()) => return,
                Err(error) => log.waiting_for(&format!("the topic `{}`", self.name), &error),
            }
            sleep(PAUSE).await;
        }
    }

    async fn receive(&self) {
        loop {
            match self.consumer.recv().await {
                Ok(message) => match parse(&message) {
                    Ok(event) => self.feed.receive(event),
                    Err(lack) => self.feed.unreadable(&lack),
                },
                Err(error) => tracing::warn!(%error, topic = self.name, "no message could be received"),
            }
        }
    }
}

/// Assigns all partitions from their ends. It uses explicit offsets: the client resolves `Offset::End` later, and would miss
/// events that are sent in between.
fn assign_ends(consumer: &StreamConsumer, name: &str) -> Result<(), KafkaError> {
    let mut ends = TopicPartitionList::new();
    for partition in partitions(consumer, name)?.elements() {
        let (_, end) = consumer.fetch_watermarks(name, partition.partition(), ANSWER_WITHIN)?;
        ends.add_partition_offset(name, partition.partition(), Offset::Offset(end))?;
    }
    consumer.assign(&ends)
}
