//! Links behind a cache in the process.

use std::sync::Arc;

use async_trait::async_trait;
use backing::LocalCache;
use contract::Unavailable;
use shortener::{Code, Inserted, Link, LinkStore, NewLink};

/// Cache-aside: reads ask the cache first, writes go to the store and make the cache forget.
pub struct CachedLinkStore {
    store: Arc<dyn LinkStore>,
    cache: LocalCache<Code, Link>,
}

impl CachedLinkStore {
    /// Puts a cache before a store.
    pub fn new(store: Arc<dyn LinkStore>, cache: LocalCache<Code, Link>) -> Self {
        Self { store, cache }
    }
}

#[async_trait]
impl LinkStore for CachedLinkStore {
    async fn insert(&self, new: NewLink) -> Result<Inserted, Unavailable> {
        // An absence is not cached, so there is nothing to forget.
        self.store.insert(new).await
    }

    async fn find(&self, code: &Code) -> Result<Option<Link>, Unavailable> {
        self.cache.get_or_load(code, || self.store.find(code)).await
    }

    async fn remove(&self, code: &Code) -> Result<(), Unavailable> {
        self.store.remove(code).await?;
        // After the store, so that a read in between does not bring the old link back for good.
        self.cache.forget(code);
        Ok(())
    }
}
