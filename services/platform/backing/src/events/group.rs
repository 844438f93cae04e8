//! A consumer group: one of its members processes each event of the topic.
//!
//! The type of a topic ends here: transports carry encoded events, and a group decodes them for its subscriber.

use std::{ops::Range, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use contract::{Unavailable, Why};
use futures::FutureExt as _;
use tokio::time::timeout;

use super::{
    event::Event,
    metrics::{EventMetrics, GroupMetrics},
    subscriber::{Batching, Subscriber},
    topic::{Topic, Unreadable, decode, type_name},
};

/// The time limit of one call of a subscriber.
const RECEIVED_WITHIN: Duration = Duration::from_secs(30);

/// A consumer group of a topic, with the subscriber that processes its events. Cheap to clone.
#[derive(Clone)]
pub struct Group {
    /// The topic.
    pub(crate) topic: &'static str,
    /// The name, unique within the topic.
    pub(crate) name: &'static str,
    pub(crate) metrics: GroupMetrics,
    decoder: Arc<dyn DecodeBatch>,
}

/// A decoded batch.
pub(crate) struct Batch<'g> {
    /// The events that could be decoded.
    pub(crate) events: Box<dyn Receivable + 'g>,
    /// The index of each of them in the batch.
    pub(crate) indexes: Vec<usize>,
    /// The index of every other event, with the reason.
    pub(crate) unreadable: Vec<(usize, Unreadable)>,
}

/// Decoded events and their subscriber.
#[async_trait]
pub(crate) trait Receivable: Send + Sync {
    /// Has the subscriber process a part of the events.
    async fn receive(&self, part: Range<usize>, batching: Batching) -> Result<(), Unavailable>;
}

/// Decodes batches for a subscriber.
trait DecodeBatch: Send + Sync {
    fn decode<'g>(&'g self, events: &[Event]) -> Batch<'g>;
}

impl Group {
    /// Creates a group with this name and subscriber.
    pub fn new<T: Topic>(
        name: &'static str,
        subscriber: Arc<dyn Subscriber<T>>,
        metrics: &EventMetrics,
    ) -> Self {
        let metrics = metrics.of_group(T::NAME, name);
        let decoder = Arc::new(Typed { id: id(T::NAME, name), expected: type_name::<T>(), subscriber });
        Self { topic: T::NAME, name, metrics, decoder }
    }

    /// The id, unique within the system: `clicks.tallying`.
    pub fn id(&self) -> String {
        id(self.topic, self.name)
    }

    /// Decodes a batch.
    pub(crate) fn decode(&self, events: &[Event]) -> Batch<'_> {
        self.decoder.decode(events)
    }

    /// Has the subscriber process a whole batch, in one attempt.
    pub(crate) async fn receive(&self, events: &[Event], batching: Batching) -> Result<(), Unavailable> {
        let batch = self.decode(events);
        if let Some((_, reason)) = batch.unreadable.first() {
            tracing::error!(%reason, group = self.id(), "an event cannot be decoded");
            return Err(Unavailable::new(self.id(), Why::Misunderstood));
        }
        batch.events.receive(0..batch.indexes.len(), batching).await?;
        self.metrics.received.inc_by(batch.indexes.len() as u64);
        Ok(())
    }
}

/// The id of a group of this topic.
pub(crate) fn id(topic: &str, group: &str) -> String {
    format!("{topic}.{group}")
}

/// A subscriber and the payload type that it expects.
struct Typed<T: Topic> {
    id: String,
    expected: Arc<str>,
    subscriber: Arc<dyn Subscriber<T>>,
}

impl<T: Topic> DecodeBatch for Typed<T> {
    fn decode<'g>(&'g self, events: &[Event]) -> Batch<'g> {
        let mut decoded = Vec::with_capacity(events.len());
        let mut indexes = Vec::with_capacity(events.len());
        let mut unreadable = Vec::new();
        for (index, event) in events.iter().enumerate() {
            match decode::<T>(&self.expected, event) {
                Ok(event) => {
                    decoded.push(event);
                    indexes.push(index);
                }
                Err(reason) => unreadable.push((index, reason)),
            }
        }
        Batch { events: Box::new(Decoded { subscriber: self, events: decoded }), indexes, unreadable }
    }
}

struct Decoded<'g, T: Topic> {
    subscriber: &'g Typed<T>,
    events: Vec<Event<T::Payload>>,
}

#[async_trait]
impl<T: Topic> Receivable for Decoded<'_, T> {
    async fn receive(&self, part: Range<usize>, batching: Batching) -> Result<(), Unavailable> {
        let Typed { id, subscriber, .. } = self.subscriber;
        let received = AssertUnwindSafe(subscriber.receive(&self.events[part], batching)).catch_unwind();
        match timeout(RECEIVED_WITHIN, received).await {
            Ok(Ok(outcome)) => outcome,
            // The panic's message and place are on standard error.
            Ok(Err(_panic)) => Err(Unavailable::new(id, Why::Broken)),
            Err(_) => Err(Unavailable::new(id, Why::TimedOut)),
        }
    }
}
