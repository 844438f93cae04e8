//! Cache-aside: a reader asks the cache, then the store, and leaves there what it found; a writer writes to the store,
//! and then to the cache.
//!
//! One [`Cache`] has three forms, the values of the axis `cache`: in the process (`local`), in Redis (`redis`), and the
//! one before the other (`tiered`). All are bounded, all let go of a value after its time to live, and all may have
//! single-flight: of many in this process who miss the same key one asks the store, the others wait for its answer.
//!
//! **Why an old value does not come back.**
//! The danger of cache-aside is a reader who asked the store before a write and reaches the cache after it
//! (Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1, meet it with leases).
//! - In Redis a reader only fills what is empty (`SET NX`), and a writer overwrites without a condition:
//!   with the value that it made, or with a mark that says "nothing is here". Whoever comes late finds the place taken.
//!   A mark and a value are there for longer than a reader may carry what it has read ([`FILL_WITHIN`]).
//!   A written value that nobody asks for is gone after a second: writes hold places, reads fill the cache.
//! - In the process a write takes away the place that a reader under single-flight would fill.
//!
//! **What staleness is left.**
//! - `local`: a write in another process is seen after the time to live; so is one in this process that a reader
//!   overtook, if `stampede` is off.
//! - `redis`: where Redis cannot be reached, or forgets, at the very moment of a write, what it still has is served
//!   until its time to live ends: at most that of a value after a removal, at most [`ABSENT_FOR`] after a creation.
//!   So it is, where two write the same key at the same time and reach store and cache in different orders.
//! - `tiered`: what `redis` has, and [`LOCAL_FOR`] more.
//!
//! A cache is never needed for a right answer: whatever fails in it is a miss.

mod local;
mod remote;

use std::{fmt::Display, hash::Hash, time::Duration};

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;

use crate::Redis;
use local::Local;
use remote::{Found, Remote};

/// How long a value stays in the process when Redis stands behind it.
pub const LOCAL_FOR: Duration = Duration::from_secs(1);
/// How long Redis keeps the mark of an absence: longer than any reader, whose deadline is shorter, carries a value.
pub const ABSENT_FOR: Duration = Duration::from_secs(5);
/// How long after it began to read a reader may fill Redis: less than the shortest life of what a writer leaves there.
pub const FILL_WITHIN: Duration = Duration::from_millis(500);
/// The shortest life of a value in Redis.
const VALUE_FOR_AT_LEAST: Duration = Duration::from_secs(1);
/// Lives differ by up to this share either way, so that what was filled together does not expire together.
const JITTER: f64 = 0.1;

/// What happens when many ask at once for a key that is not cached: the values of the axis `stampede`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stampede {
    /// Each asks the store.
    Off,
    /// One asks the store, the others wait for its answer.
    SingleFlight,
}

/// Where a cache keeps values: the values of the axis `cache` but `none`.
#[derive(Clone)]
pub enum Tiers {
    /// In the process.
    Local,
    /// In Redis.
    Redis(Redis),
    /// In the process for a moment, and in Redis.
    Tiered(Redis),
}

/// How a cache treats what it keeps.
#[derive(Clone, Copy, Debug)]
pub struct CachePolicy {
    /// Values that the process keeps at most; Redis has a limit of its own (`maxmemory`).
    pub capacity: usize,
    /// How long a value is kept, give or take a tenth.
    pub time_to_live: Duration,
    /// What happens when many ask at once for a key that is not cached.
    pub stampede: Stampede,
}

/// A value, and for how long it is of use at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasting<V> {
    /// The value.
    pub value: V,
    /// For how long it is of use.
    pub at_most: Duration,
}

/// A cache of the values behind keys.
pub struct Cache<K, V> {
    local: Local<K, V>,
    remote: Option<Remote>,
    stampede: Stampede,
    metrics: CacheMetrics,
}

impl<K, V> Cache<K, V>
where
    K: Hash + Eq + Clone + Display + Send + Sync + 'static,
    V: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// A cache of this name, by which Redis tells its keys and `/metrics` its counts from others'.
    pub fn new(name: &'static str, tiers: Tiers, policy: CachePolicy, registry: &mut Registry) -> Self {
        let life = policy.time_to_live;
        let (local_for, redis) = match tiers {
            Tiers::Local => (life, None),
            Tiers::Redis(redis) => (Duration::ZERO, Some(redis)),
            Tiers::Tiered(redis) => (life.min(LOCAL_FOR), Some(redis)),
        };
        Self {
            local: Local::new(policy.capacity, local_for),
            remote: redis.map(|redis| Remote::new(redis, name, life)),
            stampede: policy.stampede,
            metrics: CacheMetrics::register(registry, name),
        }
    }

    /// The value, from the cache or else from `load`; a failure is not kept.
    pub async fn get_or_load<E>(
        &self,
        key: &K,
        load: impl AsyncFnOnce() -> Result<Option<Lasting<V>>, E>,
    ) -> Result<Option<V>, E> {
        if let Some(value) = self.local.get(key) {
            self.metrics.local_hits.inc();
            return Ok(Some(value));
        }
        match self.stampede {
            Stampede::Off => {
                let found = self.beyond(key, load).await?;
                self.local.keep(key, found.as_ref());
                Ok(found.map(|found| found.value))
            }
            Stampede::SingleFlight => match self.local.join(key).await {
                Ok(answer) => {
                    self.metrics.waited.inc();
                    Ok(answer)
                }
                Err(flight) => {
                    let found = self.beyond(key, load).await?;
                    self.local.land(key, flight, found.as_ref());
                    Ok(found.map(|found| found.value))
                }
            },
        }
    }

    /// Makes the cache know a value that has just been written to the store.
    ///
    /// Redis is told, and keeps it for a second, or for its life if somebody asks for it in that second.
    /// The process lets go of what it had: the first who asks for the value brings it in.
    pub async fn put(&self, key: &K, written: &Lasting<V>) {
        if let Some(remote) = &self.remote {
            remote.put(key, written).await;
        }
        self.local.remove(key);
    }

    /// Makes the cache ask the store again if it knows that there is nothing: for a value that was written before, when
    /// nobody may have told the cache.
    pub async fn doubt(&self, key: &K) {
        if let Some(remote) = &self.remote {
            remote.doubt(key).await;
        }
        self.local.remove(key);
    }

    /// Makes the cache know that a value has just been removed from the store.
    pub async fn forget(&self, key: &K) {
        // Redis first: otherwise a reader could bring what it still has back into the process.
        if let Some(remote) = &self.remote {
            remote.forget(key).await;
        }
        self.local.remove(key);
    }

    /// What stands beyond the process: Redis if there is one, and the store.
    async fn beyond<E>(
        &self,
        key: &K,
        load: impl AsyncFnOnce() -> Result<Option<Lasting<V>>, E>,
    ) -> Result<Option<Lasting<V>>, E> {
        if self.local.keeps() {
            self.metrics.local_misses.inc();
        }
        let Some(remote) = &self.remote else {
            self.metrics.loads.inc();
            return load().await;
        };
        let began = Instant::now();
        match remote.get(key).await {
            Found::Value(value) => {
                self.metrics.remote_hits.inc();
                // How long it is of use was said when it was put there, and Redis sees to that.
                Ok(Some(Lasting { value, at_most: Duration::MAX }))
            }
            Found::Absence => {
                self.metrics.remote_hits.inc();
                Ok(None)
            }
            Found::Nothing => {
                self.metrics.remote_misses.inc();
                self.metrics.loads.inc();
                let loaded = load().await?;
                if began.elapsed() < FILL_WITHIN {
                    remote.fill(key, loaded.as_ref()).await;
                }
                Ok(loaded)
            }
        }
    }
}

/// A life, a little longer or shorter by chance.
fn jittered(life: Duration) -> Duration {
    life.mul_f64(rand::random_range(1.0 - JITTER..=1.0 + JITTER))
}

/// What a cache counts. Every read is a hit of one tier, a wait, or a load; on its way it is a miss of each tier that did
/// not have it.
struct CacheMetrics {
    local_hits: Counter,
    remote_hits: Counter,
    local_misses: Counter,
    remote_misses: Counter,
    loads: Counter,
    waited: Counter,
}

impl CacheMetrics {
    fn register(registry: &mut Registry, cache: &'static str) -> Self {
        let hits = Family::<Vec<(&'static str, &'static str)>, Counter>::default();
        let misses = Family::<Vec<(&'static str, &'static str)>, Counter>::default();
        let (loads, waited) = (Counter::default(), Counter::default());
        let registry = registry.sub_registry_with_label(("cache".into(), cache.into()));
        registry.register("cache_hits", "Reads answered by the cache, by tier", hits.clone());
        registry.register("cache_misses", "Reads that a tier passed on, by tier", misses.clone());
        registry.register("cache_loads", "Reads that asked the store", loads.clone());
        registry.register("cache_waits", "Reads that waited for another's answer", waited.clone());
        Self {
            local_hits: hits.get_or_create_owned(&vec![("tier", "local")]),
            remote_hits: hits.get_or_create_owned(&vec![("tier", "redis")]),
            local_misses: misses.get_or_create_owned(&vec![("tier", "local")]),
            remote_misses: misses.get_or_create_owned(&vec![("tier", "redis")]),
            loads,
            waited,
        }
    }
}

#[cfg(test)]
mod tests;
