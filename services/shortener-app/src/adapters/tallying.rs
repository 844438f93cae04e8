//! Clicks that arrive as events.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use backing::{Batching, Event, Subscriber};
use contract::{Unavailable, Why};
use shortener::{ClickError, Clicks, Code, Tallies, Tally, TallyId};

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
impl Subscriber for Tallying {
    async fn receive(&self, events: &[Event], batching: Batching) -> Result<(), Unavailable> {
        let each = events.iter().filter_map(tally);
        let tallies = match batching {
            Batching::Shifting => each.collect(),
            Batching::Fixed => by_code(each),
        };
        match self.clicks.record(Tallies(tallies)).await {
            Ok(_) => Ok(()),
            Err(ClickError::Unavailable(unavailable)) => Err(unavailable),
            Err(ClickError::TooManyTallies) => Err(Unavailable::new("clicks", Why::Misunderstood)),
        }
    }
}

fn tally(event: &Event) -> Option<Tally> {
    let code = Code::parse(event.key.as_str()).ok()?;
    Some(Tally { id: TallyId(event.id), code, clicks: 1 })
}

/// One tally a link, under the id of its first event: the same events again give the same tallies.
fn by_code(each: impl Iterator<Item = Tally>) -> Vec<Tally> {
    let mut tallies: Vec<Tally> = Vec::new();
    let mut places: HashMap<Code, usize> = HashMap::new();
    for tally in each {
        if let Some(place) = places.get(&tally.code) {
            tallies[*place].clicks += tally.clicks;
        } else {
            places.insert(tally.code.clone(), tallies.len());
            tallies.push(tally);
        }
    }
    tallies
}
