//! An event as a Kafka message: key, timestamp and payload as they are, everything else in headers.

use std::sync::Arc;

use bytes::Bytes;
use contract::Timestamp;
use rdkafka::message::{Header, Headers as _, Message, OwnedHeaders};

use crate::events::event::{Encoded, Event, Headers};

/// The header that carries the event id.
const ID: &str = "event-id";
/// The header that carries the payload's type name.
const TYPE: &str = "event-type";
/// The header that carries the trace (W3C Trace Context), as in a hop.
const TRACEPARENT: &str = "traceparent";

/// The headers of an event.
pub(in crate::events) fn headers(event: &Event) -> OwnedHeaders {
    let id = event.id.to_be_bytes();
    let headers = OwnedHeaders::new()
        .insert(Header { key: ID, value: Some(&id) })
        .insert(Header { key: TYPE, value: Some(&*event.payload.type_name) });
    match &event.headers.trace {
        Some(trace) => headers.insert(Header { key: TRACEPARENT, value: Some(trace) }),
        None => headers,
    }
}

/// The event in a message; an error says what the message lacks.
pub(in crate::events) fn parse(message: &impl Message) -> Result<Event, &'static str> {
    let header = |key: &str| message.headers()?.iter().find(|header| header.key == key)?.value;
    let id = header(ID).and_then(|id| id.try_into().ok()).map(u128::from_be_bytes);
    let type_name = header(TYPE).and_then(text).ok_or("it has no event type that is a text")?;
    let published = message.timestamp().to_millis().and_then(|millis| u64::try_from(millis).ok());
    Ok(Event {
        id: id.ok_or("it has no event id of 16 bytes")?,
        key: message.key().and_then(text).ok_or("it has no key that is a text")?.to_owned(),
        headers: Headers {
            published: published.map(Timestamp::from_millis).ok_or("it has no timestamp")?,
            trace: header(TRACEPARENT).and_then(text).map(str::to_owned),
        },
        payload: Encoded {
            type_name: Arc::from(type_name),
            bytes: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
        },
    })
}

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}
