//! Stores in memory, for tests of the logic; no wiring uses them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use contract::Unavailable;
use shortener::{ClickStore, Code, Inserted, Link, LinkId, LinkStore, NewLink, RequestKey, Tally, TallyId};

/// Links in memory.
#[derive(Debug, Default)]
pub struct MemoryLinkStore {
    links: Mutex<HashMap<Code, NewLink>>,
}

impl MemoryLinkStore {
    fn links(&self) -> MutexGuard<'_, HashMap<Code, NewLink>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LinkStore for MemoryLinkStore {
    async fn insert(&self, new: NewLink) -> Result<Inserted, Unavailable> {
        let mut links = self.links();
        if let Some(before) = links.values().find(|before| before.key == new.key) {
            return Ok(Inserted::Replayed(before.clone()));
        }
        if links.contains_key(&new.link.code) {
            return Ok(Inserted::CodeTaken);
        }
        links.insert(new.link.code.clone(), new);
        Ok(Inserted::Stored)
    }

    async fn find(&self, code: &Code) -> Result<Option<Link>, Unavailable> {
        Ok(self.links().get(code).map(|made| made.link.clone()))
    }

    async fn made_by(&self, key: &RequestKey) -> Result<Option<NewLink>, Unavailable> {
        Ok(self.links().values().find(|made| made.key == *key).cloned())
    }

    async fn remove(&self, code: &Code) -> Result<(), Unavailable> {
        self.links().remove(code);
        Ok(())
    }
}

/// Clicks in memory.
#[derive(Debug, Default)]
pub struct MemoryClickStore {
    clicks: Mutex<(HashSet<TallyId>, HashMap<LinkId, u64>)>,
}

#[async_trait]
impl ClickStore for MemoryClickStore {
    async fn add(&self, tallies: &[Tally]) -> Result<(), Unavailable> {
        let mut guard = self.clicks.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, counts) = &mut *guard;
        for tally in tallies {
            if seen.insert(tally.id) {
                for (link, clicks) in &tally.counts {
                    *counts.entry(*link).or_default() += u64::from(*clicks);
                }
            }
        }
        Ok(())
    }

    async fn count(&self, link: LinkId) -> Result<u64, Unavailable> {
        let clicks = self.clicks.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(clicks.1.get(&link).copied().unwrap_or(0))
    }
}
