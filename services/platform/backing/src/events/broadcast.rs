//! Broadcast (pub/sub): sends an event to every process that listens, at most once.
//!
//! A consumer group keeps an event until one of its members has processed it. A broadcast keeps nothing: it reaches every
//! listener in every process, except those that are too slow or have lost their connection. A listener is notified where it
//! may have missed events ([`Received::Gap`]), so that it can load what it needs from a store.
//!
//! Three transports: within the process ([`in_process`]), Redis pub/sub ([`redis`]), Kafka ([`kafka`]).
//!
//! Read in this order: `feed`, `in_process`, `envelope`, `redis`, `kafka`.

mod envelope;
mod feed;
pub(crate) mod in_process;
pub(crate) mod kafka;
pub(crate) mod redis;

use std::{marker::PhantomData, sync::Arc};

use async_trait::async_trait;
use contract::Unavailable;
pub use feed::BroadcastMetrics;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use self::feed::Feed;
use super::{
    event::{Encoded, Event},
    publisher::PublishError,
    topic::{Topic, decode, encode, type_name},
};
use crate::Check;

/// Broadcasts encoded events of one topic. Transports implement it.
#[async_trait]
pub trait Broadcast: Send + Sync {
    /// Sends an event. `Ok` means that the transport has accepted it, not that any listener has received it. After an error
    /// listeners may have received it nevertheless.
    async fn send(&self, event: Event) -> Result<(), Unavailable>;

    /// The events that this process receives, including its own.
    fn feed(&self) -> &Feed;

    /// Whether this process receives what others send.
    fn check(&self) -> Check;
}

/// What a listener receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received<P = Encoded> {
    /// An event.
    Event(Event<P>),
    /// Events may be missing here: the connection was lost, or the listener was too slow.
    Gap,
}

/// Broadcasts a topic's payload type. Cheap to clone.
pub struct Channel<T> {
    broadcast: Arc<dyn Broadcast>,
    type_name: Arc<str>,
    topic: PhantomData<fn() -> T>,
}

/// Receives the events of a channel.
pub struct Listener<T> {
    events: Receiver<Received>,
    feed: Feed,
    expected: Arc<str>,
    topic: PhantomData<fn() -> T>,
}

impl<T> Clone for Channel<T> {
    fn clone(&self) -> Self {
        Self {
            broadcast: Arc::clone(&self.broadcast),
            type_name: Arc::clone(&self.type_name),
            topic: PhantomData,
        }
    }
}

impl<T: Topic> Channel<T> {
    /// Creates a channel on this transport.
    pub fn new(broadcast: Arc<dyn Broadcast>) -> Self {
        Self { broadcast, type_name: type_name::<T>(), topic: PhantomData }
    }

    /// Sends an event; see [`Broadcast::send`].
    pub async fn send(&self, event: Event<T::Payload>) -> Result<(), PublishError> {
        let encoded = encode::<T>(&self.type_name, event)?;
        Ok(self.broadcast.send(encoded).await?)
    }

    /// Starts to listen. Earlier events are not received.
    pub fn listen(&self) -> Listener<T> {
        let feed = self.broadcast.feed().clone();
        Listener { events: feed.listen(), feed, expected: Arc::clone(&self.type_name), topic: PhantomData }
    }
}

impl<T: Topic> Listener<T> {
    /// The next event or gap. Events that one process sent with one key arrive in order, each at most once.
    pub async fn next(&mut self) -> Received<T::Payload> {
        loop {
            match self.events.recv().await {
                Ok(Received::Event(event)) => match decode::<T>(&self.expected, &event) {
                    Ok(event) => return Received::Event(event),
                    // A broadcast has no dead letters: nobody would need them later.
                    Err(reason) => self.feed.unreadable(&reason),
                },
                Ok(Received::Gap) => return Received::Gap,
                Err(RecvError::Lagged(missed)) => {
                    self.feed.too_slow(missed);
                    return Received::Gap;
                }
                // Cannot happen: the listener holds a sender, in its feed.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
