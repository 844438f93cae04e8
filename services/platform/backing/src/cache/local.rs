//! The tier in the process, on `quick_cache` (S3-FIFO eviction): values with a time to live, and
//! single-flight.
//!
//! `quick_cache` puts a placeholder into the map for a key that is being loaded. Concurrent readers of the key
//! wait on the placeholder; its guard is the right to fill it. Filling it wakes them all with the value;
//! dropping the guard wakes one of them, which becomes the loader. Removing the key removes the placeholder
//! as well: the loader's result still reaches those who wait, but it does not enter the cache.

use std::{hash::Hash, time::Duration};

use quick_cache::{
    DefaultHashBuilder, UnitWeighter,
    sync::{Cache, DefaultLifecycle, PlaceholderGuard},
};
use tokio::time::Instant;

use super::{Expiring, jittered};

/// The right and duty to load a key on which others may wait.
pub(super) type Flight<'a, K, V> =
    PlaceholderGuard<'a, K, Entry<V>, UnitWeighter, DefaultHashBuilder, DefaultLifecycle<K, Entry<V>>>;

/// What a reader gets that joins the load of a key.
pub(super) enum Joined<'a, K, V> {
    /// The result of the load that was in flight.
    Answer(Option<V>),
    /// None was in flight: the reader is the loader, and others may wait for it now.
    Loader(Flight<'a, K, V>),
}

/// Values in memory. With a time to live of zero it caches nothing and only provides single-flight.
pub(super) struct Local<K, V> {
    entries: Cache<K, Entry<V>>,
    life: Duration,
}

/// The result of a load. An absence goes to the waiters and is not cached.
#[derive(Clone)]
pub(super) struct Entry<V> {
    value: Option<V>,
    until: Instant,
}

impl<K, V> Local<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(capacity: usize, life: Duration) -> Self {
        Self { entries: Cache::new(capacity), life }
    }

    /// Whether it caches values; otherwise it is not a tier.
    pub(super) fn keeps(&self) -> bool {
        !self.life.is_zero()
    }

    /// The value, if it is cached and has not expired.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        let entry = self.entries.get(key)?;
        if entry.until > Instant::now() {
            return entry.value;
        }
        self.drop_expired(key);
        None
    }

    /// Waits for the load of this key that is in flight; if there is none, the caller becomes the loader.
    ///
    /// If the load fails, the waiters retry one at a time.
    pub(super) async fn join(&self, key: &K) -> Joined<'_, K, V> {
        // For `quick_cache` the guard is the error.
        match self.entries.get_value_or_guard_async(key).await {
            Ok(entry) => Joined::Answer(entry.value),
            Err(flight) => Joined::Loader(flight),
        }
    }

    /// Completes a load: the waiters get the result, and it is cached unless the key was removed during the
    /// load.
    pub(super) fn fill(&self, key: &K, flight: Flight<'_, K, V>, found: Option<&Expiring<V>>) {
        // The placeholder is filled even with an entry that has expired already, an absence for one: that is
        // how the waiters get it. It is removed right after.
        let entry = self.entry(found);
        let is_expired = entry.until <= Instant::now();
        // An error means that a writer removed the placeholder during the load: the result may be stale.
        let _ = flight.insert(entry);
        if is_expired {
            self.drop_expired(key);
        }
    }

    /// Caches a loaded value.
    pub(super) fn keep(&self, key: &K, found: Option<&Expiring<V>>) {
        if found.is_some() && self.keeps() {
            self.entries.insert(key.clone(), self.entry(found));
        }
    }

    /// Removes a value, or the placeholder of a load in flight.
    pub(super) fn remove(&self, key: &K) {
        self.entries.remove(key);
    }

    fn drop_expired(&self, key: &K) {
        let now = Instant::now();
        self.entries.remove_if(key, |entry| entry.until <= now);
    }

    fn entry(&self, found: Option<&Expiring<V>>) -> Entry<V> {
        let life = found.map_or(Duration::ZERO, |found| jittered(self.life).min(found.at_most));
        Entry { value: found.map(|found| found.value.clone()), until: Instant::now() + life }
    }
}
