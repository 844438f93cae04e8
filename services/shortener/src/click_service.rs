//! The logic of the component `clicks`.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{ClickCount, ClickError, ClickStore, Clicks, LinkId, MAX_COUNTS, Recorded, Tallies};

/// Records and counts clicks.
pub struct ClickService {
    store: Arc<dyn ClickStore>,
}

impl ClickService {
    /// Creates the service on a store.
    pub fn new(store: Arc<dyn ClickStore>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Clicks for ClickService {
    async fn record(&self, tallies: Tallies) -> Result<Recorded, ClickError> {
        if tallies.0.iter().map(|tally| tally.counts.len()).sum::<usize>() > MAX_COUNTS {
            return Err(ClickError::TooManyCounts);
        }
        self.store.add(&tallies.0).await?;
        Ok(Recorded)
    }

    async fn count(&self, link: LinkId) -> Result<ClickCount, ClickError> {
        let clicks = self.store.count(link).await?;
        Ok(ClickCount { clicks })
    }
}
