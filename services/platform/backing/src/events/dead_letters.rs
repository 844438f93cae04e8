//! Dead letters: events that a consumer group could not process, stored with the reason so that they hold up no others.
//!
//! They are for an operator, who finds the cause, removes it, and replays them.

use async_trait::async_trait;
use contract::{Timestamp, Unavailable};
use serde::{Deserialize, Serialize};

use super::event::Event;

/// An event that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The topic.
    pub topic: String,
    /// The consumer group that gave it up; `outbox` if a relay could not publish it.
    pub group: String,
    /// Where it is stored. Unique together with topic, group and id.
    pub place: String,
    /// The event's id, 32 hexadecimal digits; `None` if the message has no valid id.
    pub id: Option<String>,
    /// The key.
    pub key: Option<String>,
    /// The payload's type name.
    pub type_name: Option<String>,
    /// The payload's size in bytes.
    pub bytes: usize,
    /// When the event was published.
    pub published: Option<Timestamp>,
    /// The reason.
    pub reason: String,
}

impl DeadLetter {
    /// The dead letter of an event.
    pub(crate) fn of(event: &Event, topic: &str, group: &str, place: String, reason: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            group: group.to_owned(),
            place,
            id: Some(format!("{:032x}", event.id)),
            key: Some(event.key.clone()),
            type_name: Some(event.payload.type_name.to_string()),
            bytes: event.payload.bytes.len(),
            published: Some(event.headers.published),
            reason: reason.to_owned(),
        }
    }
}

/// Stores the dead letters of a consumer group.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// The topic of the events.
    fn topic(&self) -> &'static str;

    /// Lists the dead letters, the oldest first, up to `most`.
    async fn list(&self, most: usize) -> Result<Vec<DeadLetter>, Unavailable>;

    /// Has all dead letters processed again; returns their number.
    ///
    /// An event that fails again becomes a dead letter again. Replaying twice is harmless: subscribers are idempotent by
    /// event id.
    async fn replay(&self) -> Result<u64, Unavailable>;
}
