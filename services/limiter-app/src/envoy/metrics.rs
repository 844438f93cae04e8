//! What a proxy asked that could not be asked, as metrics.

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

type Labelled = Family<Vec<(&'static str, &'static str)>, Counter>;

/// Counts what a proxy is not told.
#[derive(Clone)]
pub(super) struct ProxyMetrics {
    pub(super) too_large: Counter,
    pub(super) broken: Counter,
    pub(super) too_much: Counter,
    pub(super) limit: Counter,
    pub(super) negative: Counter,
}

impl ProxyMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (undecidable, ignored) = (Labelled::default(), Labelled::default());
        registry.register(
            "proxy_undecidable",
            "Questions of a proxy that could not be asked, and were answered as over the limit",
            undecidable.clone(),
        );
        registry.register(
            "proxy_ignored",
            "Descriptors of a proxy with a field that is not followed",
            ignored.clone(),
        );
        let why = |why| undecidable.get_or_create_owned(&vec![("why", why)]);
        let field = |field| ignored.get_or_create_owned(&vec![("field", field)]);
        Self {
            too_large: why("too-large"),
            broken: why("broken"),
            too_much: why("too-much"),
            limit: field("limit"),
            negative: field("is_negative_hits"),
        }
    }
}
