//! Stores in memory: for tests of the logic, and nothing that a wiring can name.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use contract::Unavailable;
use shortener::{ClickStore, Code, Inserted, Link, LinkStore, NewLink, RequestKey, Tally, TallyId};

/// Links in memory.
#[derive(Debug, Default)]
pub struct MemoryLinkStore {
    links: Mutex<(HashMap<Code, Link>, HashMap<RequestKey, Code>)>,
}

#[async_trait]
impl LinkStore for MemoryLinkStore {
    async fn insert(&self, new: NewLink) -> Result<Inserted, Unavailable> {
        let mut guard = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let (links, keys) = &mut *guard;
        if let Some(link) = keys.get(&new.key).and_then(|code| links.get(code)) {
            return Ok(Inserted::Replayed(link.clone()));
        }
        if links.contains_key(&new.link.code) {
            return Ok(Inserted::CodeTaken);
        }
        keys.insert(new.key, new.link.code.clone());
        links.insert(new.link.code.clone(), new.link);
        Ok(Inserted::Stored)
    }

    async fn find(&self, code: &Code) -> Result<Option<Link>, Unavailable> {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(links.0.get(code).cloned())
    }

    async fn made_by(&self, key: &RequestKey) -> Result<Option<Link>, Unavailable> {
        let guard = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let (links, keys) = &*guard;
        Ok(keys.get(key).and_then(|code| links.get(code)).cloned())
    }

    async fn remove(&self, code: &Code) -> Result<(), Unavailable> {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.0.remove(code);
        Ok(())
    }
}

/// Clicks in memory.
#[derive(Debug, Default)]
pub struct MemoryClickStore {
    clicks: Mutex<(HashSet<TallyId>, HashMap<Code, u64>)>,
}

#[async_trait]
impl ClickStore for MemoryClickStore {
    async fn add(&self, tallies: &[Tally]) -> Result<(), Unavailable> {
        let mut guard = self.clicks.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, counts) = &mut *guard;
        for tally in tallies {
            if seen.insert(tally.id) {
                for (code, clicks) in &tally.counts {
                    *counts.entry(code.clone()).or_default() += u64::from(*clicks);
                }
            }
        }
        Ok(())
    }

    async fn count(&self, code: &Code) -> Result<u64, Unavailable> {
        let clicks = self.clicks.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(clicks.1.get(code).copied().unwrap_or(0))
    }
}
