//! The tier in the process, on `quick_cache` (S3-FIFO): values for their time, and one flight a key.

use std::{hash::Hash, time::Duration};

use quick_cache::{
    DefaultHashBuilder, UnitWeighter,
    sync::{Cache, DefaultLifecycle, PlaceholderGuard},
};
use tokio::time::Instant;

use super::{Lasting, jittered};

/// What many may wait for: the place of a key, which one fills.
pub(super) type Flight<'a, K, V> =
    PlaceholderGuard<'a, K, Entry<V>, UnitWeighter, DefaultHashBuilder, DefaultLifecycle<K, Entry<V>>>;

/// Values in memory. With a life of zero it keeps nothing, and is only where those who ask at once meet.
pub(super) struct Local<K, V> {
    entries: Cache<K, Entry<V>>,
    life: Duration,
}

/// An answer. An absence is one for those who wait for it, and is not kept.
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

    /// Whether it keeps anything: without, it is no tier.
    pub(super) fn keeps(&self) -> bool {
        !self.life.is_zero()
    }

    /// The value, if it is here and its time has not passed.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        let entry = self.entries.get(key)?;
        if entry.until > Instant::now() {
            return entry.value;
        }
        self.drop_expired(key);
        None
    }

    /// The answer of the flight that is under way for this key, or else a flight of the caller's own.
    ///
    /// Those who wait for a flight that fails fly one after another.
    pub(super) async fn join(&self, key: &K) -> Result<Option<V>, Flight<'_, K, V>> {
        self.entries.get_value_or_guard_async(key).await.map(|entry| entry.value)
    }

    /// Ends a flight: those who wait have the answer, and a value is kept unless it was written to meanwhile.
    pub(super) fn land(&self, key: &K, flight: Flight<'_, K, V>, found: Option<&Lasting<V>>) {
        let entry = self.entry(found);
        let passes = entry.until <= Instant::now();
        // Fails if the place was taken away meanwhile: then there is nothing to keep.
        let _ = flight.insert(entry);
        if passes {
            self.drop_expired(key);
        }
    }

    /// Keeps a value.
    pub(super) fn keep(&self, key: &K, found: Option<&Lasting<V>>) {
        if found.is_some() && self.keeps() {
            self.entries.insert(key.clone(), self.entry(found));
        }
    }

    /// Lets go of a value, and takes the place of a flight away.
    pub(super) fn remove(&self, key: &K) {
        self.entries.remove(key);
    }

    fn drop_expired(&self, key: &K) {
        let now = Instant::now();
        self.entries.remove_if(key, |entry| entry.until <= now);
    }

    fn entry(&self, found: Option<&Lasting<V>>) -> Entry<V> {
        let life = found.map_or(Duration::ZERO, |found| jittered(self.life).min(found.at_most));
        Entry { value: found.map(|found| found.value.clone()), until: Instant::now() + life }
    }
}
