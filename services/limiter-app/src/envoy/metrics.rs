//! Metrics of the descriptor fields that this service ignores.

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// Counts descriptors by the ignored field.
#[derive(Clone)]
pub(super) struct ProxyMetrics {
    pub(super) limit: Counter,
    pub(super) negative: Counter,
}

impl ProxyMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let ignored = Family::<Vec<(&'static str, &'static str)>, Counter>::default();
        registry.register(
            "proxy_ignored",
            "Descriptors of a proxy with a field that is not followed",
            ignored.clone(),
        );
        let field = |field| ignored.get_or_create_owned(&vec![("field", field)]);
        Self { limit: field("limit"), negative: field("is_negative_hits") }
    }
}
