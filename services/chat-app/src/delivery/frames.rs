//! What a socket says and takes: JSON in text frames, the subprotocol [`SUBPROTOCOL`].

use chat::{Content, MessageId, Position, Record, Sequence, Text};
use runtime::live::{Close, Utf8Bytes};
use serde::{Deserialize, Serialize};

/// The name by which a client may ask for this language (RFC 6455, 1.9).
pub const SUBPROTOCOL: &str = "chat.v1";

/// Why a socket is closed by the chat itself. The platform's codes are those of [`runtime::live::Closed`].
pub mod closes {
    use super::Close;

    /// It is not JSON, or none of the messages that a client sends.
    pub const MALFORMED: Close = Close::new(4000, "malformed message");
    /// The token has ended.
    pub const EXPIRED: Close = Close::new(4001, "the token has ended: get another one");
    /// The user is no member of the room any more.
    pub const REMOVED: Close = Close::new(4003, "no longer a member of the room");
    /// The position is of another log of the room.
    pub const OTHER_EPOCH: Close = Close::new(4009, "position of another epoch: read the history");
    /// The position is behind the end of the log.
    pub const FUTURE: Close = Close::new(4010, "position from the future: read the history");
    /// More was missed than a socket brings.
    pub const TOO_FAR: Close = Close::new(4011, "too far behind to resume: read the history");
    /// The client went on sending although it was told to slow down.
    pub const FLOOD: Close = Close::new(4029, "too many messages");
    /// A frame was binary.
    pub const BINARY: Close = Close::new(1003, "send text");
    /// A component is unavailable.
    pub const LATER: Close = Close::new(1013, "a component is unavailable: try again later");
}

/// A record as clients see it, on a socket and in a history.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum RecordShown<'a> {
    /// A message.
    Message {
        /// Of which room.
        room: String,
        /// Its place in the room's log.
        sequence: u64,
        /// When it was stored, in milliseconds since 1970.
        at_ms: u64,
        /// Who sent it.
        sender: &'a str,
        /// The id that the sender's client chose.
        id: String,
        /// What it says.
        text: &'a str,
    },
    /// Somebody is no member any more.
    Removed {
        /// Of which room.
        room: String,
        /// Its place in the room's log.
        sequence: u64,
        /// When it was stored, in milliseconds since 1970.
        at_ms: u64,
        /// Who.
        user: &'a str,
    },
}

impl<'a> From<&'a Record> for RecordShown<'a> {
    fn from(Record { room, position, at, content }: &'a Record) -> Self {
        let (room, sequence, at_ms) = (room.to_string(), position.sequence.0, at.millis());
        match content {
            Content::Message { sender, id, text } => {
                let (sender, text) = (sender.as_str(), text.as_str());
                Self::Message { room, sequence, at_ms, sender, id: id.to_string(), text }
            }
            Content::Removed { user, .. } => Self::Removed { room, sequence, at_ms, user: user.as_str() },
        }
    }
}

/// What else a socket says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Said {
    /// Everything behind this position follows.
    Ready {
        /// The position.
        position: String,
    },
    /// A message was stored.
    Sent {
        /// Its id.
        id: MessageId,
        /// Where.
        position: String,
        /// When, in milliseconds since 1970.
        at_ms: u64,
    },
    /// A message was not stored, as far as is known.
    Refused {
        /// Its id.
        id: MessageId,
        /// Why.
        code: RefusedCode,
        /// The same for a person.
        detail: String,
    },
    /// The last message was not taken: there were too many.
    SlowDown {
        /// When to send it again.
        wait_ms: u64,
    },
}

/// Why a message was not stored.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusedCode {
    /// The sender has sent another text with this id.
    OtherText,
    /// A component is unavailable; it may be sent again.
    Unavailable,
    /// It took too long; it may have been stored, and may be sent again.
    Overdue,
}

/// What a client says.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Asked {
    /// A message to the room.
    Send {
        /// The id that the client chose.
        id: MessageId,
        /// What it says.
        text: Text,
        /// The trace to which it belongs (W3C Trace Context); a malformed one is ignored, as in a request.
        traceparent: Option<String>,
    },
    /// The user has read up to here.
    Read {
        /// Up to which record.
        sequence: Sequence,
    },
}

/// A record as it is sent: encoded once, for all connections.
pub fn record(record: &Record) -> Utf8Bytes {
    text(&RecordShown::from(record))
}

/// The first words of a socket.
pub fn ready(position: Position) -> Utf8Bytes {
    text(&Said::Ready { position: position.to_string() })
}

/// Anything else as it is sent.
pub fn text(said: &impl Serialize) -> Utf8Bytes {
    serde_json::to_string(said).expect("texts and numbers can be written as JSON").into()
}
