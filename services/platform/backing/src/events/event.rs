//! An event: its id, key, headers and payload.

use std::sync::Arc;

use bytes::Bytes;
use contract::{Clock as _, SystemClock, Timestamp};

/// The largest payload of an event, encoded, in bytes; a larger one is refused when it is published.
///
/// A quarter of the message size that a Kafka broker accepts by default (`message.max.bytes`: 1 MiB). Larger data
/// belongs in a store, and its key in the event.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1_024;

/// A fact that a publisher announces.
///
/// A system sees the payload as a type of a contract; a transport carries it as [`Encoded`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<P = Encoded> {
    /// Unique. Subscribers are idempotent by it.
    pub id: u128,
    /// Events of one key arrive in the order in which they were published.
    pub key: String,
    /// The metadata.
    pub headers: Headers,
    /// The fact.
    pub payload: P,
}

/// The metadata of an event. Relays and replays leave it unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    /// When the event was created for publication.
    pub published: Timestamp,
    /// The trace context of the publication, as a `traceparent` header; `None` if the trace is not sampled.
    pub trace: Option<String>,
}

/// An encoded payload: a protobuf message and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The full name of the message: `lab.shortener.v1.Clicked`.
    pub type_name: Arc<str>,
    /// The message.
    pub bytes: Bytes,
}

impl<P> Event<P> {
    /// Creates an event for publication now, without trace context.
    pub fn new(id: u128, key: impl Into<String>, payload: P) -> Self {
        let headers = Headers { published: SystemClock.now(), trace: None };
        Self { id, key: key.into(), headers, payload }
    }
}
