//! The publishing side: the port that transports implement, and its typed form.

use std::{marker::PhantomData, sync::Arc};

use async_trait::async_trait;
use contract::{Unavailable, Why};

use super::{
    event::Event,
    topic::{TooLarge, Topic, encode, type_name},
};

/// Publishes encoded events to one topic. Transports implement it.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Publishes an event.
    ///
    /// When this returns `Ok`, the adapter has done everything it ever does to keep the event; the adapters differ in
    /// how much that is.
    async fn publish(&self, event: Event) -> Result<(), Unavailable>;

    /// The number of published events that are not processed yet, summed over the topic's consumer groups.
    ///
    /// Never too low: an event counts until it is certain that the group has processed it. Dead letters do not count.
    async fn pending(&self) -> Result<u64, Unavailable>;
}

/// Publishes a topic's payload type. Cheap to clone.
pub struct TopicPublisher<T> {
    publisher: Arc<dyn Publisher>,
    type_name: Arc<str>,
    topic: PhantomData<fn() -> T>,
}

/// Why an event was not published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The payload is too large; publishing again cannot help.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The transport did not acknowledge the event. It may have taken it.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// For callers that only pass errors on: a payload that is too large is a bug of the publisher.
impl From<PublishError> for Unavailable {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Unavailable(unavailable) => unavailable,
            PublishError::TooLarge(error) => {
                tracing::error!(%error, "an event was not published");
                Self::new("events", Why::Misunderstood)
            }
        }
    }
}

impl<T> Clone for TopicPublisher<T> {
    fn clone(&self) -> Self {
        Self {
            publisher: Arc::clone(&self.publisher),
            type_name: Arc::clone(&self.type_name),
            topic: PhantomData,
        }
    }
}

impl<T: Topic> TopicPublisher<T> {
    /// Publishes through an adapter.
    pub fn new(publisher: Arc<dyn Publisher>) -> Self {
        Self { publisher, type_name: type_name::<T>(), topic: PhantomData }
    }

    /// Publishes an event; see [`Publisher::publish`].
    pub async fn publish(&self, event: Event<T::Payload>) -> Result<(), PublishError> {
        let encoded = encode::<T>(&self.type_name, event)?;
        Ok(self.publisher.publish(encoded).await?)
    }

    /// The number of events that are not processed yet; see [`Publisher::pending`].
    pub async fn pending(&self) -> Result<u64, Unavailable> {
        self.publisher.pending().await
    }

    /// The adapter, for callers that have encoded events.
    pub(crate) fn encoded(&self) -> Arc<dyn Publisher> {
        Arc::clone(&self.publisher)
    }
}
