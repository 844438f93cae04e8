//! Clicks that arrive as events.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use backing::{Batching, Event, Subscriber};
use contract::{Unavailable, Why};
use shortener::{ClickError, Clicked, Clicks, Tallies, Tally, TallyId};

use crate::topics::Follows;

/// Turns click events into tallies and records them.
pub struct Tallying {
    clicks: Arc<dyn Clicks>,
}

impl Tallying {
    /// Records with this component, wherever it is.
    pub fn new(clicks: Arc<dyn Clicks>) -> Self {
        Self { clicks }
    }
}

#[async_trait]
impl Subscriber<Follows> for Tallying {
    async fn receive(&self, events: &[Event<Clicked>], batching: Batching) -> Result<(), Unavailable> {
        let tallies = match batching {
            Batching::Shifting => {
                events.iter().filter_map(|event| tally(std::slice::from_ref(event))).collect()
            }
            // The same events come again together: one tally, under the id of the first.
            Batching::Fixed => tally(events).into_iter().collect(),
        };
        match self.clicks.record(Tallies(tallies)).await {
            Ok(_) => Ok(()),
            Err(ClickError::Unavailable(unavailable)) => Err(unavailable),
            Err(ClickError::TooManyCounts) => Err(Unavailable::new("clicks", Why::Misunderstood)),
        }
    }
}

fn tally(events: &[Event<Clicked>]) -> Option<Tally> {
    let id = TallyId(events.first()?.id);
    let mut counts = BTreeMap::new();
    for event in events {
        *counts.entry(event.payload.link).or_default() += 1;
    }
    Some(Tally { id, counts })
}
