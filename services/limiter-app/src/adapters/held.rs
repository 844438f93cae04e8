//! The contents of counts in memory, as metrics.

use limiter::Held;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

/// Reads the contents on every scrape.
pub(crate) struct HeldMetrics(Box<dyn Fn() -> Held + Send + Sync>);

impl HeldMetrics {
    /// The metrics of these counts.
    pub(crate) fn new(held: impl Fn() -> Held + Send + Sync + 'static) -> Self {
        Self(Box::new(held))
    }
}

impl std::fmt::Debug for HeldMetrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("HeldMetrics")
    }
}

impl Collector for HeldMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Held { keys, places, bytes, evicted } = (self.0)();
        for (name, help, value) in [
            ("counts_keys", "Keys that are held", keys),
            ("counts_places", "Places for keys", places),
            ("counts_bytes", "Bytes of all places, and of logs", bytes),
        ] {
            let gauge = ConstGauge::new(value.cast_signed());
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let help = "Keys that made room for others although they still owed something";
        let evicted = ConstCounter::new(evicted);
        evicted.encode(encoder.encode_descriptor("counts_evicted", help, None, evicted.metric_type())?)
    }
}
