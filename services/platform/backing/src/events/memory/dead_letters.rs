//! The dead letters of the buffer in memory. They are lost when the process ends.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use contract::Unavailable;

use crate::events::{
    dead_letters::{DeadLetter, DeadLetters},
    event::Event,
    group::Group,
    subscriber::Batching,
};

/// The capacity in events; the oldest batches are evicted, and their events are lost.
const MOST_EVENTS: usize = 20_000;
/// The capacity in bytes of payloads.
const MOST_BYTES: usize = 16 << 20;

/// The dead letters of a group. Cheap to clone; every clone is the same.
#[derive(Clone)]
pub(super) struct MemoryDeadLetters {
    group: Group,
    store: Arc<Mutex<Store>>,
}

#[derive(Default)]
struct Store {
    batches: VecDeque<Batch>,
    events: usize,
    bytes: usize,
    /// The number of the newest batch.
    newest: u64,
}

/// Events that were given up together. They are replayed together, because a batch is one unit to its subscriber.
#[derive(Clone)]
struct Batch {
    number: u64,
    events: Vec<Event>,
    reason: String,
}

impl MemoryDeadLetters {
    pub(super) fn new(group: Group) -> Self {
        Self { group, store: Arc::default() }
    }

    pub(super) fn add(&self, events: Vec<Event>, reason: &str) {
        let lost = self.store().add(events, reason.to_owned());
        self.group.metrics.lost.inc_by(lost as u64);
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl DeadLetters for MemoryDeadLetters {
    fn topic(&self) -> &'static str {
        self.group.topic
    }

    async fn list(&self, most: usize) -> Result<Vec<DeadLetter>, Unavailable> {
        let store = self.store();
        let letters = store.batches.iter().flat_map(|batch| {
            batch.events.iter().map(|event| {
                let place = "memory".to_owned();
                DeadLetter::of(event, self.group.topic, self.group.name, place, &batch.reason)
            })
        });
        Ok(letters.take(most).collect())
    }

    /// Has the subscriber process each batch now, in one attempt.
    async fn replay(&self) -> Result<u64, Unavailable> {
        let mut processed = 0;
        let batches = Vec::from(self.store().batches.clone());
        for batch in batches {
            match self.group.receive(&batch.events, Batching::Fixed).await {
                Ok(()) => {
                    processed += self.store().remove(batch.number) as u64;
                }
                Err(error) => self.store().fails_again(batch.number, error.to_string()),
            }
        }
        Ok(processed)
    }
}

impl Store {
    /// Adds a batch; returns the number of events that were evicted.
    fn add(&mut self, events: Vec<Event>, reason: String) -> usize {
        self.newest += 1;
        self.events += events.len();
        self.bytes += bytes(&events);
        self.batches.push_back(Batch { number: self.newest, events, reason });
        let mut lost = 0;
        while self.batches.len() > 1 && (self.events > MOST_EVENTS || self.bytes > MOST_BYTES) {
            let oldest = self.batches[0].number;
            lost += self.remove(oldest);
        }
        lost
    }

    /// Removes a batch; returns the number of its events, zero if it is gone.
    fn remove(&mut self, number: u64) -> usize {
        let Some(index) = self.batches.iter().position(|batch| batch.number == number) else { return 0 };
        let events = self.batches.remove(index).map(|batch| batch.events).unwrap_or_default();
        self.events -= events.len();
        self.bytes -= bytes(&events);
        events.len()
    }

    fn fails_again(&mut self, number: u64, reason: String) {
        if let Some(batch) = self.batches.iter_mut().find(|batch| batch.number == number) {
            batch.reason = reason;
        }
    }
}

fn bytes(events: &[Event]) -> usize {
    events.iter().map(|event| event.payload.bytes.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::example::{Reader, note};

    #[tokio::test]
    async fn the_oldest_are_evicted_and_lost() {
        let group = Arc::new(Reader::default()).group();
        let dead = MemoryDeadLetters::new(group.clone());
        for batch in 0..11 {
            dead.add((0..2_000).map(|event| note(batch * 2_000 + event, "dead")).collect(), "for once");
        }
        let listed = dead.list(MOST_EVENTS + 1).await.expect("they are in memory");
        assert_eq!(listed.len(), MOST_EVENTS);
        assert_eq!(listed[0].id, Some(format!("{:032x}", 2_000)));
        assert_eq!(group.metrics.lost.get(), 2_000);
    }
}
