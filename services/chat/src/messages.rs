//! The contract of the component `messages`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Timestamp, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{MemberOf, MessageId, Position, RoomId, Sequence, Term, Text, User};

/// The most records of one page.
pub const MAX_RECORDS: u32 = 500;
/// The most rooms of one call.
pub const MAX_ROOMS_AT_ONCE: usize = 1_000;

/// Keeps the log of each room: its messages, and who was removed from it, in one sequence without holes.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Appends a message, and has it delivered. Idempotent by sender and id: a repetition returns what the first one did.
    async fn send(&self, message: NewMessage) -> Result<Sent, MessageError>;

    /// Appends that a member was removed, and has it delivered. Idempotent by user and term.
    async fn end_membership(&self, ended: EndedMembership) -> Result<Sent, MessageError>;

    /// Records of a room's log. Idempotent.
    async fn history(&self, query: HistoryQuery) -> Result<History, MessageError>;

    /// Where the logs of rooms end; a room without a record has a position as well. Idempotent.
    async fn positions(&self, rooms: RoomIds) -> Result<Positions, MessageError>;

    /// Stores up to where a user has read. A marker never goes back. Idempotent.
    async fn mark_read(&self, marker: ReadMarker) -> Result<ReadMarker, MessageError>;

    /// Up to where a user has read. Idempotent.
    async fn read_marker(&self, of: MemberOf) -> Result<ReadMarker, MessageError>;
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMessage {
    /// To which room.
    pub room: RoomId,
    /// Who sends it.
    pub sender: User,
    /// By which membership: if it has ended, nothing is sent.
    pub term: Term,
    /// The id that the client chose.
    pub id: MessageId,
    /// What it says.
    pub text: Text,
}

/// The end of a membership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedMembership {
    /// Of which room.
    pub room: RoomId,
    /// Whose.
    pub user: User,
    /// Which of their memberships.
    pub term: Term,
}

/// A record has been appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its position.
    pub position: Position,
    /// When it was appended.
    pub at: Timestamp,
}

/// A record of a room's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Of which room.
    pub room: RoomId,
    /// Its position.
    pub position: Position,
    /// When it was appended.
    pub at: Timestamp,
    /// What it says.
    pub content: Content,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A message.
    Message {
        /// Who sent it.
        sender: User,
        /// The id that the client chose.
        id: MessageId,
        /// What it says.
        text: Text,
    },
    /// A membership has ended.
    Removed {
        /// Whose.
        user: User,
        /// Which of their memberships.
        term: Term,
    },
}

/// Which records of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryQuery {
    /// Of which room.
    pub room: RoomId,
    /// From where.
    pub from: Start,
    /// At most so many; more than [`MAX_RECORDS`] are as many as that.
    pub limit: u32,
}

/// From where records are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// Those after this one, the oldest first.
    After(Sequence),
    /// Those before this one, the newest of them; returned the oldest first.
    Before(Sequence),
    /// The newest ones; returned the oldest first.
    End,
}

/// Records of a room's log, without holes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The records, the oldest first.
    pub records: Vec<Record>,
    /// Where the log ended when they were read.
    pub end: Position,
}

/// Several rooms, at most [`MAX_ROOMS_AT_ONCE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomIds(pub Vec<RoomId>);

/// Where logs end, in the order in which the rooms were named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Positions(pub Vec<Position>);

/// Up to where a user has read a room's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMarker {
    /// Which room.
    pub room: RoomId,
    /// Who.
    pub user: User,
    /// Up to which record; 0 if none was read.
    pub sequence: Sequence,
}

/// The errors of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum MessageError {
    /// The sender has sent another text with this id.
    #[error("the sender has sent another text with the id `{id}`")]
    OtherText {
        /// The id.
        id: MessageId,
    },
    /// The sender's membership has ended.
    #[error("`{user}` is not a member of the room any more")]
    NotAMember {
        /// Who.
        user: User,
    },
    /// A marker is behind the end of the log.
    #[error("the log of the room ends at {}", .end.0)]
    NotWritten {
        /// Where it ends.
        end: Sequence,
    },
    /// More than [`MAX_ROOMS_AT_ONCE`].
    #[error("one call is about at most {MAX_ROOMS_AT_ONCE} rooms")]
    TooManyRooms,
    /// The component, or its backing, did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for MessageError {
    fn kind(&self) -> Kind {
        match self {
            Self::OtherText { .. } | Self::NotAMember { .. } => Kind::Conflict,
            Self::NotWritten { .. } | Self::TooManyRooms => Kind::Invalid,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
