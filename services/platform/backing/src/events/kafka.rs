//! Through Kafka: an event has been published when all in-sync replicas have it.
//!
//! The producer is idempotent, so that its own retries neither double nor reorder.
//! The consumer commits an offset after the effect, so that a crash makes an event come again, never go missing;
//! the subscriber is idempotent by event id, so that coming again has no effect.
//! What can never have an effect goes to the topic's dead letters, with the reason, and is kept there for a person.
//!
//! A broker that is not there yet is waited for in the background: the process starts, serves what it can, refuses
//! what it cannot, and says by `/health/backings` what is away.
//!
//! Read in this order: `publisher`, `consumer`, `dead`, `lag`, `topic`.

mod consumer;
mod dead;
mod lag;
mod publisher;
mod topic;

use rdkafka::{
    ClientConfig,
    message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders},
};

pub use consumer::KafkaConsumer;
pub use publisher::KafkaPublisher;

use super::Event;

/// The header that carries the event id.
const ID: &str = "event-id";
/// The header that carries the trace (W3C Trace Context), as in a hop.
const TRACEPARENT: &str = "traceparent";

fn client(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", address.trim_start_matches("kafka://"))
        // A broker that comes back is used within a second.
        .set("reconnect.backoff.max.ms", "1000");
    config
}

/// A client that writes: idempotent, and acknowledged by all in-sync replicas.
fn producer(address: &str) -> ClientConfig {
    let mut config = client(address);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        // What gathers within a millisecond travels together.
        .set("linger.ms", "1")
        .set("queue.buffering.max.messages", "20000");
    config
}

/// An event's headers.
fn headers(event: &Event) -> OwnedHeaders {
    let id = event.id.to_be_bytes();
    let headers = OwnedHeaders::new().insert(Header { key: ID, value: Some(&id) });
    match &event.trace {
        Some(trace) => headers.insert(Header { key: TRACEPARENT, value: Some(trace) }),
        None => headers,
    }
}

/// The event in a message, or what it lacks.
fn parse(message: &BorrowedMessage<'_>) -> Result<Event, &'static str> {
    let header = |key: &str| message.headers()?.iter().find(|header| header.key == key)?.value;
    let id = header(ID).and_then(|id| id.try_into().ok()).map(u128::from_be_bytes);
    let key = message.key().and_then(|key| std::str::from_utf8(key).ok());
    let trace = header(TRACEPARENT).and_then(|trace| std::str::from_utf8(trace).ok());
    Ok(Event {
        id: id.ok_or("it has no event id of 16 bytes")?,
        key: key.ok_or("it has no key that is a text")?.to_owned(),
        trace: trace.map(str::to_owned),
    })
}
