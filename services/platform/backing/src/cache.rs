//! Cache-aside in the process, on `quick_cache` (S3-FIFO): bounded, with a time to live, with or without single-flight.

use std::{
    hash::Hash,
    time::{Duration, Instant},
};

use prometheus_client::{metrics::counter::Counter, registry::Registry};
use quick_cache::sync::Cache;

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
    entries: Cache<K, Entry<V>>,
    time_to_live: Duration,
    stampede: Stampede,
    metrics: CacheMetrics,
}

#[derive(Clone)]
struct Entry<V> {
    value: V,
    until: Instant,
}

impl<K, V> LocalCache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// At most `capacity` entries, each for at most `time_to_live`.
    pub fn new(capacity: usize, time_to_live: Duration, stampede: Stampede, metrics: CacheMetrics) -> Self {
        Self { entries: Cache::new(capacity), time_to_live, stampede, metrics }
    }

    /// The value, from the cache or else from `load`; a failure and an absence are not kept.
    ///
    /// With single-flight, those who wait for a load that fails or finds nothing load one after another.
    pub async fn get_or_load<E>(
        &self,
        key: &K,
        load: impl AsyncFnOnce() -> Result<Option<V>, E>,
    ) -> Result<Option<V>, E> {
        if let Some(value) = self.fresh(key) {
            self.metrics.hits.inc();
            return Ok(Some(value));
        }
        self.metrics.misses.inc();
        match self.stampede {
            Stampede::Off => {
                let loaded = load().await?;
                if let Some(value) = &loaded {
                    self.entries.insert(key.clone(), self.entry(value));
                }
                Ok(loaded)
            }
            Stampede::SingleFlight => match self.entries.get_value_or_guard_async(key).await {
                Ok(entry) => Ok(Some(entry.value)),
                Err(place) => {
                    let loaded = load().await?;
                    if let Some(value) = &loaded {
                        // Fails if the key was removed meanwhile: then there is nothing to keep.
                        let _ = place.insert(self.entry(value));
                    }
                    Ok(loaded)
                }
            },
        }
    }

    /// Forgets a key.
    pub fn forget(&self, key: &K) {
        self.entries.remove(key);
    }

    fn fresh(&self, key: &K) -> Option<V> {
        let entry = self.entries.get(key)?;
        let now = Instant::now();
        if entry.until > now {
            return Some(entry.value);
        }
        self.entries.remove_if(key, |entry| entry.until <= now);
        None
    }

    fn entry(&self, value: &V) -> Entry<V> {
        Entry { value: value.clone(), until: Instant::now() + self.time_to_live }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    async fn loads(stampede: Stampede, time_to_live: Duration) -> u32 {
        let cache = LocalCache::new(10, time_to_live, stampede, CacheMetrics::default());
        let loads = AtomicU32::new(0);
        let ask = || {
            cache.get_or_load(&"key", async || {
                loads.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok::<_, ()>(Some(7))
            })
        };
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        assert_eq!((a, b, c), (Ok(Some(7)), Ok(Some(7)), Ok(Some(7))));
        loads.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn with_single_flight_one_asks_the_store_and_without_it_each_does() {
        assert_eq!(loads(Stampede::SingleFlight, Duration::from_mins(1)).await, 1);
        assert_eq!(loads(Stampede::Off, Duration::from_mins(1)).await, 3);
    }

    #[tokio::test]
    async fn what_has_lived_its_time_is_loaded_again_and_an_absence_is_not_kept() {
        let cache = LocalCache::new(10, Duration::ZERO, Stampede::SingleFlight, CacheMetrics::default());
        assert_eq!(cache.get_or_load(&1, async || Ok::<_, ()>(Some('a'))).await, Ok(Some('a')));
        assert_eq!(cache.get_or_load(&1, async || Ok::<_, ()>(Some('b'))).await, Ok(Some('b')));
        assert_eq!(cache.get_or_load(&2, async || Ok::<_, ()>(None)).await, Ok(None));
        assert_eq!(cache.get_or_load(&2, async || Err('x')).await, Err('x'));
        assert_eq!(cache.get_or_load(&2, async || Ok::<_, ()>(Some('c'))).await, Ok(Some('c')));
    }
}
