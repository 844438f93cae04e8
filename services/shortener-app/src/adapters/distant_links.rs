//! A link store with simulated distance: each read takes a round trip longer, and occupies a connection for
//! it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use contract::{Unavailable, Why};
use shortener::{Code, Inserted, Link, LinkStore, NewLink, RequestKey};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

/// A round trip between two regions of one continent.
const ROUND_TRIP: Duration = Duration::from_millis(20);
/// The most reads in flight: a modest connection pool.
const CONNECTIONS: usize = 8;
/// The time limit for getting a connection.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(1);

/// Delays a store's reads by a round trip; writes are not delayed.
pub(crate) struct DistantLinkStore {
    store: Arc<dyn LinkStore>,
    connections: Semaphore,
}

impl DistantLinkStore {
    /// Puts distance in front of a store.
    pub(crate) fn new(store: Arc<dyn LinkStore>) -> Self {
        Self { store, connections: Semaphore::new(CONNECTIONS) }
    }
}

#[async_trait]
impl LinkStore for DistantLinkStore {
    async fn insert(&self, new: NewLink) -> Result<Inserted, Unavailable> {
        self.store.insert(new).await
    }

    async fn find(&self, code: &Code) -> Result<Option<Link>, Unavailable> {
        let overloaded = || Unavailable::new("database", Why::Overloaded);
        let held = timeout(ACQUIRE_WITHIN, self.connections.acquire()).await.map_err(|_| overloaded())?;
        let _connection = held.map_err(|_| overloaded())?;
        sleep(ROUND_TRIP).await;
        self.store.find(code).await
    }

    async fn made_by(&self, key: &RequestKey) -> Result<Option<NewLink>, Unavailable> {
        self.store.made_by(key).await
    }

    async fn remove(&self, code: &Code) -> Result<(), Unavailable> {
        self.store.remove(code).await
    }
}
