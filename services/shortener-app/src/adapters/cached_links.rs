//! Links behind a cache.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use backing::{Cache, Expiring};
use contract::{Clock, Unavailable};
use shortener::{Code, Inserted, Link, LinkStore, NewLink, RequestKey};

/// Cache-aside: reads go to the cache first, writes to the store and then to the cache.
///
/// A write is acknowledged after both. A write that was cut off in between has not been acknowledged; its
/// retry invalidates the cache.
pub struct CachedLinkStore {
    store: Arc<dyn LinkStore>,
    cache: Cache<Code, Link>,
    clock: Arc<dyn Clock>,
}

impl CachedLinkStore {
    /// Puts a cache in front of a store.
    pub fn new(store: Arc<dyn LinkStore>, cache: Cache<Code, Link>, clock: Arc<dyn Clock>) -> Self {
        Self { store, cache, clock }
    }

    /// Bounds a link's time to live in the cache by its expiry.
    ///
    /// This limits what the cache holds. The logic checks the expiry on each read, whatever the cache
    /// returns.
    fn expiring(&self, link: Link) -> Expiring<Link> {
        let at_most = link.expires_at.map_or(Duration::MAX, |end| end.since(self.clock.now()));
        Expiring { value: link, at_most }
    }
}

#[async_trait]
impl LinkStore for CachedLinkStore {
    async fn insert(&self, new: NewLink) -> Result<Inserted, Unavailable> {
        let link = new.link.clone();
        let inserted = self.store.insert(new).await?;
        // The cache may hold a tombstone for this code.
        match &inserted {
            Inserted::Stored => self.cache.put(&link.code.clone(), &self.expiring(link)).await,
            // The first attempt may have been cut off before it updated the cache.
            Inserted::Replayed(before) => self.cache.invalidate_absence(&before.link.code).await,
            Inserted::CodeTaken => {}
        }
        Ok(inserted)
    }

    async fn find(&self, code: &Code) -> Result<Option<Link>, Unavailable> {
        let load = async || Ok(self.store.find(code).await?.map(|link| self.expiring(link)));
        self.cache.get_or_load(code, load).await
    }

    async fn made_by(&self, key: &RequestKey) -> Result<Option<NewLink>, Unavailable> {
        self.store.made_by(key).await
    }

    async fn remove(&self, code: &Code) -> Result<(), Unavailable> {
        self.store.remove(code).await?;
        // After the store: a read in between may cache the old link, and this overwrites it.
        self.cache.remove(code).await;
        Ok(())
    }
}
