//! The metrics of events, by topic and consumer group.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// `topic`, or `topic` and `group`.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The events of this process. Cheap to clone; all clones share the counters.
#[derive(Clone, Debug, Default)]
pub struct EventMetrics {
    published: Family<Labels<1>, Counter>,
    received: Family<Labels<2>, Counter>,
    dead: Family<Labels<2>, Counter>,
    lost: Family<Labels<2>, Counter>,
    lag: Family<Labels<2>, Gauge>,
    waiting: Family<Labels<1>, Gauge>,
}

/// The metrics of one consumer group.
#[derive(Clone, Debug)]
pub(crate) struct GroupMetrics {
    pub(crate) received: Counter,
    pub(crate) dead: Counter,
    pub(crate) lost: Counter,
    labels: Labels<2>,
    lag: Family<Labels<2>, Gauge>,
}

impl EventMetrics {
    /// Registers the metrics, with the labels `topic` and `group`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let Self { published, received, dead, lost, lag, waiting } = metrics.clone();
        registry.register("events_published", "Events that publishers published", published);
        registry.register("events_received", "Events that the consumer group processed", received);
        registry.register(
            "events_dead",
            "Events that the consumer group could not process: dead letters",
            dead,
        );
        registry.register("events_lost", "Dead letters in memory that were evicted", lost);
        registry.register(
            "consumer_lag",
            "Events that are not processed yet, of the partitions that are assigned to this process",
            lag,
        );
        registry.register("outbox_waiting", "Events in the outbox that are not published yet", waiting);
        metrics
    }

    /// The counter of a topic's published events.
    pub fn published(&self, topic: &'static str) -> Counter {
        self.published.get_or_create_owned(&[("topic", topic)])
    }

    /// The gauge of a topic's events in the outbox.
    pub(crate) fn waiting(&self, topic: &'static str) -> Gauge {
        self.waiting.get_or_create_owned(&[("topic", topic)])
    }

    pub(crate) fn of_group(&self, topic: &'static str, group: &'static str) -> GroupMetrics {
        let labels = [("topic", topic), ("group", group)];
        GroupMetrics {
            received: self.received.get_or_create_owned(&labels),
            dead: self.dead.get_or_create_owned(&labels),
            lost: self.lost.get_or_create_owned(&labels),
            labels,
            lag: self.lag.clone(),
        }
    }
}

impl GroupMetrics {
    /// The gauge of the consumer lag, which exists only if events come from a log.
    pub(crate) fn lag(&self) -> Gauge {
        self.lag.get_or_create_owned(&self.labels)
    }
}
