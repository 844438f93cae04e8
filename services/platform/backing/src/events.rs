//! Events: facts that follow from a request, on their way to the component that owns what follows from them.
//!
//! Three ways, the values of the axis `events`: within the request ([`inline`]), through a buffer in the process
//! ([`memory`]), through Kafka ([`kafka`]). Whichever it is, an event may arrive more than once:
//! a subscriber MUST be idempotent by event id.

pub(crate) mod inline;
pub(crate) mod kafka;
pub(crate) mod memory;

use async_trait::async_trait;
use contract::Unavailable;
use prometheus_client::{metrics::counter::Counter, registry::Registry};

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Unique; what a subscriber is idempotent by.
    pub id: u128,
    /// Events of one key arrive in the order in which they were published.
    pub key: String,
    /// Where in which trace it was published, as a `traceparent` header has it; only if that trace is sampled.
    pub trace: Option<String>,
}

impl Event {
    /// An event of no trace.
    pub fn new(id: u128, key: impl Into<String>) -> Self {
        Self { id, key: key.into(), trace: None }
    }
}

/// Takes events.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Takes an event.
    ///
    /// When this returns `Ok`, the adapter has done all that it ever does to keep the event;
    /// how much that is distinguishes the adapters.
    async fn publish(&self, event: Event) -> Result<(), Unavailable>;

    /// How many published events are still on their way: whose effect has not been taken, and may be yet.
    ///
    /// Never too few: an event counts until its effect is certain. What was given up is not on its way any more.
    async fn pending(&self) -> Result<u64, Unavailable>;
}

/// What a subscriber may rely on when events come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// The same events come again together: the batch as a whole may be taken as one effect.
    Fixed,
    /// They may come again in other company: each event is an effect of its own.
    Shifting,
}

/// Receives events. MUST be idempotent by event id: an event whose effect is in doubt comes again.
#[async_trait]
pub trait Subscriber: Send + Sync {
    /// Takes the effect of every event; on an error all of them come again.
    ///
    /// [`Why::Misunderstood`](contract::Why::Misunderstood) says that they never can have an effect.
    async fn receive(&self, events: &[Event], batching: Batching) -> Result<(), Unavailable>;
}

/// Events published and received by this process.
#[derive(Clone, Debug, Default)]
pub struct EventMetrics {
    published: Counter,
    received: Counter,
    lost: Counter,
    dead: Counter,
}

impl EventMetrics {
    /// Registers them under the topic's name.
    pub fn register(registry: &mut Registry, topic: &'static str) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_label(("topic".into(), topic.into()));
        registry.register("events_published", "Events taken from requests", metrics.published.clone());
        registry.register("events_received", "Events whose effect was taken", metrics.received.clone());
        registry.register("events_dead", "Events that went to the dead letters", metrics.dead.clone());
        registry.register("events_lost", "Events given up", metrics.lost.clone());
        metrics
    }
}
