//! A topic of notes, for the tests of transports.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use contract::{Unavailable, Why};
use prost::{Message, Name};
use remote::Malformed;

use super::{
    event::Event,
    group::Group,
    metrics::EventMetrics,
    subscriber::{Batching, Subscriber},
    topic::{Topic, encode, type_name},
};

/// A note. Invariant: not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) text: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct NoteMessage {
    #[prost(string, tag = "1")]
    text: String,
}

impl Name for NoteMessage {
    const NAME: &'static str = "Note";
    const PACKAGE: &'static str = "lab.example.v1";
}

impl Note {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned() }
    }
}

impl From<Note> for NoteMessage {
    fn from(note: Note) -> Self {
        Self { text: note.text }
    }
}

impl TryFrom<NoteMessage> for Note {
    type Error = Malformed;

    fn try_from(message: NoteMessage) -> Result<Self, Malformed> {
        if message.text.is_empty() {
            return Err(Malformed::new("text", "a note is not empty"));
        }
        Ok(Self { text: message.text })
    }
}

/// The topic `notes`.
pub(crate) struct Notes;

impl Topic for Notes {
    const NAME: &'static str = "notes";
    type Payload = Note;
    type Message = NoteMessage;
}

/// An encoded note.
pub(crate) fn note(id: u128, text: &str) -> Event {
    encode::<Notes>(&type_name::<Notes>(), Event::new(id, "key", Note::new(text))).expect("a small note")
}

/// A subscriber that can be made to fail.
#[derive(Default)]
pub(crate) struct Reader {
    taken: Mutex<Vec<u128>>,
    /// The texts for which it fails, and the reasons.
    fails: Mutex<Vec<(String, Why)>>,
    calls: AtomicUsize,
}

impl Reader {
    /// Makes it fail for batches with a note of this text.
    pub(crate) fn fails(&self, text: &str, why: Why) {
        self.failing().push((text.to_owned(), why));
    }

    /// Ends all failures.
    pub(crate) fn recovers(&self) {
        self.failing().clear();
    }

    /// The ids of the processed events, in order.
    pub(crate) fn taken(&self) -> Vec<u128> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of calls.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// The group `readers`, with this subscriber.
    pub(crate) fn group(self: &Arc<Self>) -> Group {
        Group::new("readers", Arc::clone(self) as Arc<dyn Subscriber<Notes>>, &EventMetrics::default())
    }

    fn failing(&self) -> MutexGuard<'_, Vec<(String, Why)>> {
        self.fails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Subscriber<Notes> for Reader {
    async fn receive(&self, events: &[Event<Note>], _: Batching) -> Result<(), Unavailable> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let failing = self.failing().clone();
        let why = events.iter().find_map(|event| {
            failing.iter().find(|(text, _)| *text == event.payload.text).map(|(_, why)| *why)
        });
        if let Some(why) = why {
            return Err(Unavailable::new("readers", why));
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.extend(events.iter().map(|event| event.id));
        Ok(())
    }
}
