//! The metrics of long-lived connections.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// The kind of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    WebSocket,
    Events,
}

impl Kind {
    fn label(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Events => "events",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    kind: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DirectionLabels {
    kind: &'static str,
    direction: &'static str,
}

/// The metrics of all long-lived connections.
#[derive(Default)]
pub(super) struct LiveMetrics {
    open: Family<KindLabels, Gauge>,
    opened: Family<KindLabels, Counter>,
    refused: Family<ReasonLabels, Counter>,
    closed: Family<ReasonLabels, Counter>,
    messages: Family<DirectionLabels, Counter>,
    queued: Gauge,
}

impl LiveMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("live_connections", "Open long-lived connections", metrics.open.clone());
        registry.register(
            "live_connections_opened",
            "Long-lived connections that were opened",
            metrics.opened.clone(),
        );
        registry.register(
            "live_connections_refused",
            "Long-lived connections that were refused with 503, by reason",
            metrics.refused.clone(),
        );
        registry.register(
            "live_connections_closed",
            "Long-lived connections that have ended, by reason",
            metrics.closed.clone(),
        );
        registry.register(
            "live_messages",
            "Messages on long-lived connections, by direction",
            metrics.messages.clone(),
        );
        registry.register(
            "live_queued_bytes",
            "Bytes queued for clients of long-lived connections",
            metrics.queued.clone(),
        );
        metrics
    }

    pub(super) fn opened(&self, kind: Kind) {
        let labels = KindLabels { kind: kind.label() };
        self.opened.get_or_create(&labels).inc();
        self.open.get_or_create(&labels).inc();
    }

    pub(super) fn refused(&self, kind: Kind, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabels { kind: kind.label(), reason }).inc();
    }

    pub(super) fn closed(&self, kind: Kind, reason: &'static str) {
        self.open.get_or_create(&KindLabels { kind: kind.label() }).dec();
        self.closed.get_or_create(&ReasonLabels { kind: kind.label(), reason }).inc();
    }

    /// The counters of received and sent messages. Each connection keeps them, which spares a look-up for each message.
    pub(super) fn messages(&self, kind: Kind) -> MessageCounts {
        let of =
            |direction| self.messages.get_or_create_owned(&DirectionLabels { kind: kind.label(), direction });
        MessageCounts { received: of("received"), sent: of("sent") }
    }

    pub(super) fn queued(&self) -> Gauge {
        self.queued.clone()
    }
}

/// The message counters of one kind of connection.
#[derive(Clone)]
pub(super) struct MessageCounts {
    pub(super) received: Counter,
    pub(super) sent: Counter,
}
