//! The receiving side: the port that a system's subscribers implement.

use async_trait::async_trait;
use contract::Unavailable;

use super::{event::Event, topic::Topic};

/// How events are grouped when they are delivered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// In the same batch: a subscriber may process the batch as one unit.
    Fixed,
    /// In any batch: a subscriber processes each event as a unit of its own.
    Shifting,
}

/// Processes the events of a topic for a consumer group. It MUST be idempotent by event id: an event is delivered again
/// whenever it is unknown whether it was processed, and when it is replayed.
#[async_trait]
pub trait Subscriber<T: Topic>: Send + Sync {
    /// Processes all events. After an error they are delivered again, or become dead letters.
    ///
    /// The error's reason decides. From a log or an outbox:
    ///
    /// | [`Why`](contract::Why) | consequence |
    /// |---|---|
    /// | `Misunderstood` | none of the events had an effect or ever will: the poison message becomes a dead letter at once |
    /// | `Broken` | the failing event becomes a dead letter after five attempts (2.4 s) |
    /// | `TimedOut` | the failing event becomes a dead letter after a minute |
    /// | `Unreachable`, `Overloaded` | retried without a limit: an owner that is unavailable has not seen the events |
    ///
    /// A panic counts as `Broken`, and a call that takes longer than 30 s as `TimedOut`.
    /// From the buffer in memory every failing batch has six attempts. Inline there is one attempt, and the publisher gets
    /// the error.
    async fn receive(&self, events: &[Event<T::Payload>], batching: Batching) -> Result<(), Unavailable>;
}
