//! What an operator sees of goods that many want: how long each change of them keeps all others waiting.

use std::time::Instant;

use prometheus_client::{metrics::counter::Counter, registry::Registry};

/// Transactions that changed goods, and how long they held them. Cheap to clone.
///
/// A row of goods is held from its change to the end of the commit. So `goods_changed` by `goods_held_microseconds` is the
/// most that one row can be changed, however many processes there are.
#[derive(Clone, Debug, Default)]
pub struct GoodsMetrics {
    changed: Counter,
    held: Counter,
}

impl GoodsMetrics {
    /// Registers them.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("goods_changed", "Transactions that changed goods", metrics.changed.clone());
        let what =
            "Microseconds from a change of goods to the end of its commit, in which nobody else changes them";
        registry.register("goods_held_microseconds", what, metrics.held.clone());
        metrics
    }

    /// A transaction has committed that has held goods since then, if it has changed any.
    pub(in crate::adapters) fn committed(&self, since: Option<Instant>) {
        let Some(since) = since else { return };
        self.changed.inc();
        self.held.inc_by(u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
}
