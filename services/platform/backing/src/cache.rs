//! Cache-aside: a reader asks the cache, then the store, and fills the cache with the store's value; a writer
//! writes to the store, then to the cache.
//!
//! One [`Cache`] has three forms, the values of the axis `cache`: in the process (`local`), in Redis
//! (`redis`), and the one before the other (`tiered`). All are bounded, all expire a value after its time to
//! live, and all support single-flight (request coalescing, against a cache stampede): of many concurrent misses
//! of one key in this process, one loads from the store and the others wait for its result.
//! Redis caches absences as well (a negative cache): a tombstone answers for [`ABSENT_FOR`] that there is nothing.
//!
//! **Why an old value does not come back.**
//! The danger of cache-aside is a reader that reads the store before a write and fills the cache after it
//! (Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1, prevent it with leases).
//! - In Redis a reader fills only an empty key (`SET NX`), and a writer overwrites unconditionally: with the
//!   new value, or with a tombstone for a removed one. So a late reader finds the key occupied. Tombstones
//!   and values live longer than a reader may hold what it has read ([`FILL_WITHIN`]).
//!   A written value that is not read within a second expires: writes protect keys from late readers, reads
//!   fill the cache.
//! - In the process a write removes the placeholder that a reader under single-flight would fill.
//!
//! **What staleness is left.**
//! - `local`: a write in another process is seen after the time to live; so is one in this process that a
//!   reader overtook, if `stampede` is off.
//! - `redis`: if Redis cannot be reached, or evicts the key, at the very moment of a write, readers get the
//!   old entry until it expires: at most a value's time to live after a removal, at most [`ABSENT_FOR`] after
//!   a creation.
//!   The same holds if two writers of one key reach store and cache in different orders.
//! - `tiered`: as `redis`, and [`LOCAL_FOR`] more.
//!
//! A right answer never needs the cache: every failure in it is a miss.

mod local;
mod remote;

use std::{fmt::Display, hash::Hash, time::Duration};

use local::{Joined, Local};
use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use remote::{Found, Remote};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;

use crate::Redis;

/// The time to live of a value in the process in front of Redis.
pub const LOCAL_FOR: Duration = Duration::from_secs(1);
/// The time to live of a tombstone in Redis, the entry of the negative cache: longer than a reader, whose deadline is shorter, can hold a
/// value.
pub const ABSENT_FOR: Duration = Duration::from_secs(5);
/// A reader may fill Redis within this time of its read: less than the shortest time to live of a writer's
/// entry.
pub const FILL_WITHIN: Duration = Duration::from_millis(500);
/// The shortest time to live of a value in Redis.
const VALUE_FOR_AT_LEAST: Duration = Duration::from_secs(1);
/// Times to live vary by up to this share either way, so that values filled together do not expire together.
const JITTER: f64 = 0.1;

/// Concurrent misses of one key: the values of the axis `stampede`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stampede {
    /// Each loads from the store.
    Off,
    /// One loads from the store; the others wait for its result.
    SingleFlight,
}

/// The tiers of a cache: the values of the axis `cache` but `none`.
#[derive(Clone)]
pub enum Tiers {
    /// In the process.
    Local,
    /// In Redis.
    Redis(Redis),
    /// In the process for a moment, and in Redis.
    Tiered(Redis),
}

/// The limits of a cache.
#[derive(Clone, Copy, Debug)]
pub struct CachePolicy {
    /// The most values in the process; Redis has its own limit (`maxmemory`).
    pub capacity: usize,
    /// A value's time to live, varied by a tenth either way.
    pub time_to_live: Duration,
    /// Concurrent misses of one key.
    pub stampede: Stampede,
}

/// A value with an upper bound on its time to live, such as the time until a link expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiring<V> {
    /// The value.
    pub value: V,
    /// The upper bound.
    pub at_most: Duration,
}

/// A cache of values by key.
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
    /// Creates a cache; `name` is the prefix of its keys in Redis and the label of its metrics.
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

    /// Returns the value from the cache, or loads, caches and returns it; an error of `load` is not cached.
    pub async fn get_or_load<E>(
        &self,
        key: &K,
        load: impl AsyncFnOnce() -> Result<Option<Expiring<V>>, E>,
    ) -> Result<Option<V>, E> {
        if let Some(value) = self.local.get(key) {
            self.metrics.local_hits.inc();
            return Ok(Some(value));
        }
        match self.stampede {
            Stampede::Off => {
                let found = self.load_through(key, load).await?;
                self.local.keep(key, found.as_ref());
                Ok(found.map(|found| found.value))
            }
            // Walkthrough of single-flight. `join` returns the value of a load that is in flight, or a guard
            // that makes this caller the loader. The loader completes the flight with `fill`, which hands its
            // result to the waiters. If the load fails, `?` drops the guard; so does, more often, the deadline of
            // the loader's own request, which drops this whole future. Then one of the waiters gets a guard of
            // its own, and loads within its own deadline.
            Stampede::SingleFlight => match self.local.join(key).await {
                Joined::Answer(answer) => {
                    self.metrics.waited.inc();
                    Ok(answer)
                }
                Joined::Loader(flight) => {
                    let found = self.load_through(key, load).await?;
                    self.local.fill(key, flight, found.as_ref());
                    Ok(found.map(|found| found.value))
                }
            },
        }
    }

    /// Updates the cache after a write to the store.
    ///
    /// Redis keeps the value for a second, or for its time to live if it is read within that second.
    /// The process removes its entry, and the next reader brings in the new one.
    pub async fn put(&self, key: &K, written: &Expiring<V>) {
        if let Some(remote) = &self.remote {
            remote.put(key, written).await;
        }
        self.local.remove(key);
    }

    /// Invalidates a cached absence: for a value that was written before, by a writer that may not have
    /// updated the cache.
    pub async fn invalidate_absence(&self, key: &K) {
        if let Some(remote) = &self.remote {
            remote.invalidate_absence(key).await;
        }
        self.local.remove(key);
    }

    /// Updates the cache after a removal from the store.
    pub async fn remove(&self, key: &K) {
        // Redis first: otherwise a reader could copy the old entry from Redis into the process again.
        if let Some(remote) = &self.remote {
            remote.remove(key).await;
        }
        self.local.remove(key);
    }

    /// Loads through Redis, if there is one, from the store.
    async fn load_through<E>(
        &self,
        key: &K,
        load: impl AsyncFnOnce() -> Result<Option<Expiring<V>>, E>,
    ) -> Result<Option<Expiring<V>>, E> {
        if self.local.keeps() {
            self.metrics.local_misses.inc();
        }
        let Some(remote) = &self.remote else {
            self.metrics.loads.inc();
            return load().await;
        };
        let began = Instant::now();
        // Invalidation by time: between the miss and the fill another process may write and its entry may
        // expire. A value that was read longer ago than `FILL_WITHIN` may predate such a write, so it is
        // returned but not cached.
        match remote.get(key).await {
            Found::Value(value) => {
                self.metrics.remote_hits.inc();
                // The writer of the entry applied the bound, and Redis expires it.
                Ok(Some(Expiring { value, at_most: Duration::MAX }))
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

/// A time to live, lengthened or shortened at random.
fn jittered(life: Duration) -> Duration {
    life.mul_f64(rand::random_range(1.0 - JITTER..=1.0 + JITTER))
}

/// A cache's metrics. Every read is a hit in one tier, a wait, or a load, and a miss in each tier that it
/// passed.
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
