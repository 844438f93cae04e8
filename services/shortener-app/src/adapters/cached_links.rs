//! Links behind a cache.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use backing::{Cache, Lasting};
use contract::{Clock, Unavailable};
use shortener::{Code, Inserted, Link, LinkStore, NewLink, RequestKey};

/// Cache-aside: reads ask the cache first, writes go to the store and then to the cache.
///
/// A write is acknowledged when both have been told; one that is cut off in between has not been acknowledged, and the cache
/// is told when it is repeated.
pub struct CachedLinkStore {
    store: Arc<dyn LinkStore>,
    cache: Cache<Code, Link>,
    clock: Arc<dyn Clock>,
}

impl CachedLinkStore {
    /// Puts a cache before a store.
    pub fn new(store: Arc<dyn LinkStore>, cache: Cache<Code, Link>, clock: Arc<dyn Clock>) -> Self {
        Self { store, cache, clock }
    }

    /// A link is of use until it expires.
    ///
    /// This bounds what the cache holds, not what is served: the logic asks the clock each time.
    fn lasting(&self, link: Link) -> Lasting<Link> {
        let at_most = link.expires_at.map_or(Duration::MAX, |end| end.since(self.clock.now()));
        Lasting { value: link, at_most }
    }
}

#[async_trait]
impl LinkStore for CachedLinkStore {
    async fn insert(&self, new: NewLink) -> Result<Inserted, Unavailable> {
        let link = new.link.clone();
        let inserted = self.store.insert(new).await?;
        // The cache may know that there was nothing.
        match &inserted {
            Inserted::Stored => self.cache.put(&link.code.clone(), &self.lasting(link)).await,
            // Perhaps of one that was cut off before the cache was told.
            Inserted::Replayed(before) => self.cache.doubt(&before.link.code).await,
            Inserted::CodeTaken => {}
        }
        Ok(inserted)
    }

    async fn find(&self, code: &Code) -> Result<Option<Link>, Unavailable> {
        let load = async || Ok(self.store.find(code).await?.map(|link| self.lasting(link)));
        self.cache.get_or_load(code, load).await
    }

    async fn made_by(&self, key: &RequestKey) -> Result<Option<NewLink>, Unavailable> {
        self.store.made_by(key).await
    }

    async fn remove(&self, code: &Code) -> Result<(), Unavailable> {
        self.store.remove(code).await?;
        // After the store, so that a read in between does not bring the old link back for good.
        self.cache.forget(code).await;
        Ok(())
    }
}
