//! What is counted of deliveries.

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

type Labels = [(&'static str, &'static str); 1];

/// The metrics of deliveries. Cheap to clone; all clones share the counters.
#[derive(Clone, Debug, Default)]
pub struct DeliveryMetrics {
    deliveries: Counter,
    history_reads: Family<Labels, Counter>,
    recoveries: Family<Labels, Counter>,
}

impl DeliveryMetrics {
    /// Registers the metrics.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let Self { deliveries, history_reads, recoveries } = metrics.clone();
        registry.register("chat_deliveries", "Records sent to connections", deliveries);
        registry.register("chat_history_reads", "Reads of logs, by why", history_reads);
        registry.register("chat_recoveries", "Clients that came back, by what they got", recoveries);
        metrics
    }

    pub(super) fn delivered(&self) {
        self.deliveries.inc();
    }

    /// The log was read for a client that came back (`recovery`), or for a feed that lacked a record (`gap`).
    pub(super) fn history_read(&self, why: &'static str) {
        self.history_reads.get_or_create_owned(&[("why", why)]).inc();
    }

    /// A client came back: `current` lacked nothing, `window` got what it lacked from memory, `history` from the log, `none`
    /// got nothing, and `refused` was sent to the history.
    pub(super) fn recovered(&self, by: &'static str) {
        self.recoveries.get_or_create_owned(&[("by", by)]).inc();
    }
}
