//! The events that a process receives, for its listeners. They share a ring buffer, in which new events replace the oldest.

use std::fmt::Display;

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use tokio::sync::broadcast::{Receiver, Sender};

use super::Received;
use crate::events::event::Event;

/// The capacity of the buffer in events. A listener that is further behind has a gap. With the largest payloads the buffer
/// takes 256 MiB.
const BUFFER: usize = 1_024;

type Labels = [(&'static str, &'static str); 1];

/// The metrics of broadcasts, by topic. Cheap to clone; all clones share the counters.
#[derive(Clone, Debug, Default)]
pub struct BroadcastMetrics {
    sent: Family<Labels, Counter>,
    received: Family<Labels, Counter>,
    gaps: Family<Labels, Counter>,
    unreadable: Family<Labels, Counter>,
}

/// The events of a topic that this process receives. Cheap to clone; all clones share the buffer.
#[derive(Clone, Debug)]
pub struct Feed {
    listeners: Sender<Received>,
    topic: &'static str,
    sent: Counter,
    received: Counter,
    gaps: Counter,
    unreadable: Counter,
}

impl BroadcastMetrics {
    /// Registers the metrics, with the label `topic`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let Self { sent, received, gaps, unreadable } = metrics.clone();
        registry.register("broadcast_sent", "Events that a transport accepted for broadcast", sent);
        registry.register("broadcast_received", "Events that this process received", received);
        registry.register("broadcast_gaps", "Gaps in which listeners may have missed events", gaps);
        registry.register("broadcast_unreadable", "Messages that could not be decoded", unreadable);
        metrics
    }
}

impl Feed {
    pub(super) fn new(topic: &'static str, metrics: &BroadcastMetrics) -> Self {
        let labels = [("topic", topic)];
        Self {
            listeners: Sender::new(BUFFER),
            topic,
            sent: metrics.sent.get_or_create_owned(&labels),
            received: metrics.received.get_or_create_owned(&labels),
            gaps: metrics.gaps.get_or_create_owned(&labels),
            unreadable: metrics.unreadable.get_or_create_owned(&labels),
        }
    }

    pub(super) fn listen(&self) -> Receiver<Received> {
        self.listeners.subscribe()
    }

    pub(super) fn sent(&self) {
        self.sent.inc();
    }

    /// Passes an event to the listeners.
    pub(super) fn receive(&self, event: Event) {
        self.received.inc();
        // It fails if there is no listener.
        let _ = self.listeners.send(Received::Event(event));
    }

    /// Notifies the listeners that they may have missed events.
    pub(super) fn gap(&self) {
        self.gaps.inc();
        let _ = self.listeners.send(Received::Gap);
    }

    /// Counts the gap of a listener that was too slow and missed this many events.
    pub(super) fn too_slow(&self, missed: u64) {
        self.gaps.inc();
        tracing::warn!(topic = self.topic, missed, "a listener was too slow");
    }

    /// Counts a message that cannot be decoded.
    pub(super) fn unreadable(&self, reason: &dyn Display) {
        self.unreadable.inc();
        tracing::warn!(topic = self.topic, %reason, "a broadcast cannot be decoded");
    }
}
