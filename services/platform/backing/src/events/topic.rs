//! A topic: a name and a payload type.

use std::sync::Arc;

use prost::{Message, Name};
use remote::Malformed;

use super::event::{Encoded, Event, MAX_PAYLOAD_BYTES};

/// A topic. All its events carry one payload type. A system defines a marker type for each topic:
///
/// ```ignore
/// pub struct Follows;
///
/// impl Topic for Follows {
///     const NAME: &'static str = "clicks";
///     type Payload = Clicked;
///     type Message = proto::Clicked;
/// }
/// ```
///
/// Kinds of events whose relative order matters belong on one topic: its payload is an enum, and the message has a
/// `oneof`.
pub trait Topic: Send + Sync + 'static {
    /// The name in the system's declaration: `clicks`.
    const NAME: &'static str;

    /// The payload type, from the contract.
    type Payload: TryFrom<Self::Message, Error = Malformed> + Send + Sync + 'static;

    /// The protobuf message that encodes it, from the contract's `.proto` files.
    type Message: Message + Name + Default + From<Self::Payload>;

    /// The message's full name: `lab.shortener.v1.Clicked`.
    fn type_name() -> String {
        Self::Message::full_name()
    }
}

/// The payload exceeds [`MAX_PAYLOAD_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload has {bytes} bytes, and the limit is {MAX_PAYLOAD_BYTES}")]
pub struct TooLarge {
    /// The size of the encoded payload.
    pub bytes: usize,
}

/// Why a payload cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The event carries a type that the topic does not.
    #[error("its type is `{found}`, and the topic carries `{expected}`")]
    UnknownType {
        /// The type that the event carries.
        found: Arc<str>,
        /// The type that the topic carries.
        expected: Arc<str>,
    },
    /// The bytes are not an encoded message of the topic's type.
    #[error("its payload is not a `{0}`: {1}")]
    NotDecoded(Arc<str>, prost::DecodeError),
    /// The message does not hold a valid value of the contract's type.
    #[error("its payload is not a valid `{0}`: {1}")]
    Invalid(Arc<str>, Malformed),
}

/// The type name of a topic's payload.
pub(crate) fn type_name<T: Topic>() -> Arc<str> {
    T::type_name().into()
}

/// Encodes an event for a transport.
pub(crate) fn encode<T: Topic>(type_name: &Arc<str>, event: Event<T::Payload>) -> Result<Event, TooLarge> {
    let Event { id, key, headers, payload } = event;
    let message = T::Message::from(payload);
    let bytes = message.encoded_len();
    if bytes > MAX_PAYLOAD_BYTES {
        return Err(TooLarge { bytes });
    }
    let payload = Encoded { type_name: Arc::clone(type_name), bytes: message.encode_to_vec().into() };
    Ok(Event { id, key, headers, payload })
}

/// Decodes an event from a transport.
pub(crate) fn decode<T: Topic>(expected: &Arc<str>, event: &Event) -> Result<Event<T::Payload>, Unreadable> {
    let Encoded { type_name: found, bytes } = &event.payload;
    if found != expected {
        return Err(Unreadable::UnknownType { found: Arc::clone(found), expected: Arc::clone(expected) });
    }
    let message = T::Message::decode(bytes.clone())
        .map_err(|error| Unreadable::NotDecoded(Arc::clone(expected), error))?;
    let payload = message.try_into().map_err(|error| Unreadable::Invalid(Arc::clone(expected), error))?;
    Ok(Event { id: event.id, key: event.key.clone(), headers: event.headers.clone(), payload })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::events::example::{Note, Notes};

    fn encoded(note: &str) -> Event {
        let name = type_name::<Notes>();
        encode::<Notes>(&name, Event::new(1, "key", Note::new(note))).expect("a small note")
    }

    #[test]
    fn a_payload_comes_back_as_it_was_published() {
        let name = type_name::<Notes>();
        assert_eq!(&*name, "lab.example.v1.Note", "as its schema has it");
        let event = encoded("hello");
        let decoded = decode::<Notes>(&name, &event).expect("it is a note");
        assert_eq!((decoded.id, decoded.key.as_str(), decoded.payload.text.as_str()), (1, "key", "hello"));
        assert_eq!(decoded.headers, event.headers);
    }

    #[test]
    fn a_payload_that_is_too_large_is_refused_and_the_largest_is_not() {
        let name = type_name::<Notes>();
        // The field's tag takes one byte, and the text's length three.
        let note = |bytes| Event::new(1, "key", Note::new(&"x".repeat(bytes - 4)));
        assert!(encode::<Notes>(&name, note(MAX_PAYLOAD_BYTES)).is_ok());
        let refused = encode::<Notes>(&name, note(MAX_PAYLOAD_BYTES + 1));
        assert_eq!(refused, Err(TooLarge { bytes: MAX_PAYLOAD_BYTES + 1 }));
    }

    #[test]
    fn a_payload_that_cannot_be_decoded_is_refused_with_the_reason() {
        let name = type_name::<Notes>();
        let reason = |event: &Event| decode::<Notes>(&name, event).expect_err("no note").to_string();
        let mut event = encoded("hello");
        event.payload.bytes = Bytes::from_static(b"\xff");
        assert!(
            reason(&event).starts_with("its payload is not a `lab.example.v1.Note`: "),
            "{}",
            reason(&event)
        );
        assert_eq!(
            reason(&encoded("")),
            "its payload is not a valid `lab.example.v1.Note`: `text`: a note is not empty"
        );
        event.payload.type_name = "lab.example.v2.Note".into();
        assert_eq!(
            reason(&event),
            "its type is `lab.example.v2.Note`, and the topic carries `lab.example.v1.Note`"
        );
    }
}
