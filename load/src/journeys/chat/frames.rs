//! What goes over a socket: frames of JSON, and the records that history has in the same form.

use std::{
    borrow::Cow,
    fmt::{self, Display},
};

use serde::Deserialize;

use crate::{http::digits, journeys::id::Id};

/// A position in a room's log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// Which log: a room whose log was lost has another one.
    pub(super) epoch: u64,
    pub(super) sequence: u64,
}

impl Position {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (epoch, sequence) = text.split_once(':')?;
        Some(Self { epoch: digits(epoch.as_bytes())?, sequence: digits(sequence.as_bytes())? })
    }
}

impl Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.sequence)
    }
}

/// A frame from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// What comes after this position follows.
    Ready(Position),
    /// A record of the room's log.
    Record(Record<'a>),
    /// A message was stored.
    Sent { id: Id, position: Position },
    /// A message was refused.
    Refused { id: Id, code: Cow<'a, str> },
    /// The message before was not handled: there were too many.
    SlowDown,
    /// Somebody has read up to somewhere.
    Read,
}

/// A record of a room's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) room: Id,
    pub(super) sequence: u64,
    pub(super) content: Content<'a>,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// A message.
    Message { id: Id, sender: Cow<'a, str>, text: Cow<'a, str> },
    /// A member was removed.
    Removed { user: Cow<'a, str> },
}

/// Every field that a frame or a record may have.
#[derive(Debug, Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    room: Option<Id>,
    id: Option<Id>,
    sequence: Option<u64>,
    #[serde(borrow)]
    sender: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow)]
    position: Option<Cow<'a, str>>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
}

impl<'a> Wire<'a> {
    /// The frame; `None` if the API has no such frame.
    fn frame(self) -> Option<Frame<'a>> {
        let position = |text: Option<Cow<'_, str>>| Position::parse(&text?);
        Some(match &*self.kind {
            "ready" => Frame::Ready(position(self.position)?),
            "sent" => Frame::Sent { id: self.id?, position: position(self.position)? },
            "refused" => Frame::Refused { id: self.id?, code: self.code? },
            "slow-down" => Frame::SlowDown,
            "read" => Frame::Read,
            _ => Frame::Record(self.record()?),
        })
    }

    /// The record; `None` if it is none.
    pub(super) fn record(self) -> Option<Record<'a>> {
        let content = match &*self.kind {
            "message" => Content::Message { id: self.id?, sender: self.sender?, text: self.text? },
            "removed" => Content::Removed { user: self.user? },
            _ => return None,
        };
        Some(Record { room: self.room?, sequence: self.sequence?, content })
    }
}

/// Reads a frame; `None` if it is none of the API's.
pub(super) fn read(text: &str) -> Option<Frame<'_>> {
    serde_json::from_str::<Wire<'_>>(text).ok()?.frame()
}

/// The frame that sends a message. Its text has nothing that JSON escapes.
pub(super) fn send(id: Id, text: &str, traceparent: Option<&str>) -> String {
    let trace = traceparent.map_or(String::new(), |trace| format!(r#","traceparent":"{trace}""#));
    format!(r#"{{"type":"send","id":"{id}","text":"{text}"{trace}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: &str = "00000000-0000-0001-0000-000000000002";

    #[test]
    fn every_frame_of_the_api_is_read() {
        let (room, id) = (Id::of(1, 2), Id::of(1, 2));
        let record = |content| Frame::Record(Record { room, sequence: 3, content });
        let (epoch, sequence) = (7, 12);
        for (text, frame) in [
            (r#"{"type":"ready","position":"7:12"}"#.to_owned(), Frame::Ready(Position { epoch, sequence })),
            (
                format!(
                    r#"{{"type":"message","room":"{ROOM}","sequence":3,"at_ms":5,"sender":"ann","id":"{ROOM}","text":"a \"b\""}}"#
                ),
                record(Content::Message { id, sender: "ann".into(), text: "a \"b\"".into() }),
            ),
            (
                format!(r#"{{"type":"removed","room":"{ROOM}","sequence":3,"at_ms":5,"user":"bob"}}"#),
                record(Content::Removed { user: "bob".into() }),
            ),
            (
                format!(r#"{{"type":"sent","id":"{ROOM}","position":"7:12","at_ms":1}}"#),
                Frame::Sent { id, position: Position { epoch, sequence } },
            ),
            (
                format!(r#"{{"type":"refused","id":"{ROOM}","code":"overdue","detail":"late"}}"#),
                Frame::Refused { id, code: "overdue".into() },
            ),
            (r#"{"type":"slow-down","wait_ms":50}"#.to_owned(), Frame::SlowDown),
            (r#"{"type":"read","user":"bob","sequence":2}"#.to_owned(), Frame::Read),
        ] {
            assert_eq!(read(&text), Some(frame), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in ["", "{}", "[1]", r#"{"type":"other"}"#, r#"{"type":"ready","position":"7"}"#] {
            assert_eq!(read(text), None, "{text}");
        }
        let without_text =
            format!(r#"{{"type":"message","room":"{ROOM}","sequence":3,"sender":"a","id":"{ROOM}"}}"#);
        assert_eq!(read(&without_text), None);
        assert_eq!(
            (Position::parse("+1:2"), Position::parse("1:"), Position::parse(":1")),
            (None, None, None)
        );
    }

    #[test]
    fn what_is_sent_is_json() {
        for trace in [None, Some("00-1-2-01")] {
            let sent: serde_json::Value = serde_json::from_str(&send(Id::of(1, 2), "words", trace)).unwrap();
            assert_eq!(
                (&sent["type"], &sent["id"], &sent["text"], sent["traceparent"].as_str()),
                (&"send".into(), &ROOM.into(), &"words".into(), trace)
            );
        }
    }
}
