//! What counts in memory hold, as metrics.

use std::sync::Arc;

use limiter::LocalCounts;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

/// Asks counts what they hold whenever somebody reads the metrics.
pub(crate) struct HeldMetrics(pub(crate) Arc<LocalCounts>);

impl std::fmt::Debug for HeldMetrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("HeldMetrics")
    }
}

impl Collector for HeldMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let held = self.0.held();
        for (name, help, value) in [
            ("counts_keys", "Keys that are held", held.keys),
            ("counts_places", "Places for keys", held.places),
            ("counts_bytes", "Bytes of all places, and of logs", held.bytes),
        ] {
            let gauge = ConstGauge::new(value.cast_signed());
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let help = "Keys that made room for others although they still owed something";
        let evicted = ConstCounter::new(held.evicted);
        evicted.encode(encoder.encode_descriptor("counts_evicted", help, None, evicted.metric_type())?)
    }
}
