//! Cache-aside in the process, on moka: bounded, with a time to live, with or without single-flight.

use std::{future::Future, hash::Hash, sync::Arc, time::Duration};

use prometheus_client::{metrics::counter::Counter, registry::Registry};

/// What happens when many ask at once for a key that is not cached: the values of the axis `stampede`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stampede {
    /// Each asks the store.
    Off,
    /// One asks the store, the others wait for its answer.
    SingleFlight,
}

/// Hits and misses.
#[derive(Clone, Debug, Default)]
pub struct CacheMetrics {
    hits: Counter,
    misses: Counter,
}

impl CacheMetrics {
    /// Registers them under the cache's name.
    pub fn register(registry: &mut Registry, cache: &'static str) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_label(("cache".into(), cache.into()));
        registry.register("cache_hits", "Reads answered by the cache", metrics.hits.clone());
        registry.register("cache_misses", "Reads that asked the store", metrics.misses.clone());
        metrics
    }
}

/// A cache in this process's memory.
///
/// A reader that loads a value while another removes it may put the old value back;
/// such a value is served until its time to live ends, never longer.
pub struct LocalCache<K, V> {
    entries: moka::future::Cache<K, V>,
    stampede: Stampede,
    metrics: CacheMetrics,
}

impl<K, V> LocalCache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// At most `capacity` entries, each for at most `time_to_live`.
    pub fn new(capacity: u64, time_to_live: Duration, stampede: Stampede, metrics: CacheMetrics) -> Self {
        let entries =
            moka::future::Cache::builder().max_capacity(capacity).time_to_live(time_to_live).build();
        Self { entries, stampede, metrics }
    }

    /// The value, from the cache or else from `load`; a failure and an absence are not kept.
    pub async fn get_or_load<E>(
        &self,
        key: &K,
        load: impl AsyncFnOnce() -> Result<Option<V>, E>,
    ) -> Result<Option<V>, E>
    where
        E: Clone + Send + Sync + 'static,
    {
        if let Some(value) = self.entries.get(key).await {
            self.metrics.hits.inc();
            return Ok(Some(value));
        }
        self.metrics.misses.inc();
        match self.stampede {
            Stampede::Off => {
                let loaded = load().await?;
                if let Some(value) = &loaded {
                    self.entries.insert(key.clone(), value.clone()).await;
                }
                Ok(loaded)
            }
            Stampede::SingleFlight => self.load_once(key, load()).await,
        }
    }

    async fn load_once<E>(
        &self,
        key: &K,
        load: impl Future<Output = Result<Option<V>, E>>,
    ) -> Result<Option<V>, E>
    where
        E: Clone + Send + Sync + 'static,
    {
        let found = async { load.await.map_err(Some)?.ok_or(None) };
        match self.entries.try_get_with_by_ref(key, found).await {
            Ok(value) => Ok(Some(value)),
            Err(absent_or_failed) => Arc::unwrap_or_clone(absent_or_failed).map_or(Ok(None), Err),
        }
    }

    /// Forgets a key.
    pub async fn forget(&self, key: &K) {
        self.entries.invalidate(key).await;
    }
}
