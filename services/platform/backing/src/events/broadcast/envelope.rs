//! An event as one message, for transports without headers.

use bytes::Bytes;
use contract::Timestamp;
use prost::{DecodeError, Message as _};

use crate::events::event::{Encoded, Event, Headers};

/// The messages of `proto/lab/events/v1`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    reason = "generated; the `.proto` file documents it"
)]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/lab.events.v1.rs"));
}

use proto::Envelope;

/// Why a message is not an event.
#[derive(Debug, thiserror::Error)]
pub(super) enum EnvelopeError {
    /// The bytes are not an envelope.
    #[error("it is not the envelope of an event: {0}")]
    NotAnEnvelope(#[from] DecodeError),
    /// The event id is malformed.
    #[error("its event id has {0} bytes instead of 16")]
    MalformedId(usize),
}

/// Encodes an event with its envelope.
pub(super) fn seal(event: &Event) -> Vec<u8> {
    let envelope = Envelope {
        event_id: event.id.to_be_bytes().to_vec(),
        key: event.key.clone(),
        type_name: event.payload.type_name.to_string(),
        payload: event.payload.bytes.to_vec(),
        published_ms: event.headers.published.millis(),
        traceparent: event.headers.trace.clone(),
    };
    envelope.encode_to_vec()
}

/// Decodes an envelope.
pub(super) fn open(message: &[u8]) -> Result<Event, EnvelopeError> {
    let Envelope { event_id, key, type_name, payload, published_ms, traceparent } =
        Envelope::decode(message)?;
    let id = event_id.try_into().map_err(|id: Vec<u8>| EnvelopeError::MalformedId(id.len()))?;
    let headers = Headers { published: Timestamp::from_millis(published_ms), trace: traceparent };
    let payload = Encoded { type_name: type_name.into(), bytes: Bytes::from(payload) };
    Ok(Event { id: u128::from_be_bytes(id), key, headers, payload })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::example::note;

    #[test]
    fn an_event_comes_out_as_it_went_in() {
        let mut event = note(7, "hello");
        assert_eq!(open(&seal(&event)).expect("an event"), event);
        event.headers.trace = Some("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01".to_owned());
        assert_eq!(open(&seal(&event)).expect("an event"), event);
    }

    #[test]
    fn a_message_that_is_not_an_event_is_refused_with_the_reason() {
        for (message, what) in [(&b"\xff"[..], "not the envelope"), (b"", "has 0 bytes")] {
            let error = open(message).expect_err("no event").to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
