//! One member: the connection, how far it has read, and what it has sent.

use std::{collections::VecDeque, time::Duration};

use super::{back_off::BackOff, crowd::MessageKey, reading::Reading};
use crate::live::Moment;

/// The most messages of one connection without a reply: nobody writes on who has waited for so many.
const MOST_UNANSWERED: usize = 64;

/// A member of a room, with one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Member {
    /// Which of the target's servers the connection goes to.
    pub(super) server: usize,
    pub(super) standing: Standing,
    pub(super) link: Link,
    /// Whether the connection was ever open.
    pub(super) was_open: bool,
    /// When its connection was lost, until it is back and has caught up.
    pub(super) lost: Option<Moment>,
    /// Whether the connection reads nothing during slices.
    pub(super) is_slow: bool,
    /// What it has read without a break, also while it reconnects.
    pub(super) reading: Option<Reading>,
    /// The furthest record that anybody had heard of when its connection was told where it begins.
    pub(super) known_then: u64,
    /// From which message on it is waited for, if it is.
    pub(super) awaited_from: Option<u32>,
    /// How many of the messages that it reads next are judged as a history.
    pub(super) to_judge: u32,
    /// What it has sent and what got no reply, in order. A connection gets its replies in the order of its messages.
    pub(super) unanswered: VecDeque<u32>,
    pub(super) back_off: BackOff,
}

/// How far a connection is, and since when it is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Link {
    /// It is not open.
    #[default]
    Closed,
    /// It is open, and was not told where it begins.
    Open(Moment),
    /// It was, and gets what follows.
    Ready(Moment),
    /// It was told that the membership has ended.
    Over(Moment),
}

impl Link {
    /// Since when it is open.
    pub(super) fn since(self) -> Option<Moment> {
        match self {
            Self::Closed => None,
            Self::Open(since) | Self::Ready(since) | Self::Over(since) => Some(since),
        }
    }
}

/// What a member is in the room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// A member.
    #[default]
    In,
    /// A member who is being removed; and once that is done, the first message that was sent after it.
    Leaving(Option<MessageKey>),
    /// A member who has left the program.
    Away,
}

impl Member {
    /// A member whose connection goes to this server first, who may be slow to read, and so many of whose messages are judged.
    pub(super) fn new(server: usize, is_slow: bool, to_judge: u32) -> Self {
        Self { server, is_slow, to_judge, ..Self::default() }
    }

    /// Whether its connection gets what follows.
    pub(super) fn is_attached(&self) -> bool {
        matches!(self.link, Link::Ready(_))
    }

    /// How long it was away, once it has read all that was known when it came back.
    pub(super) fn is_back(&mut self, at: Moment) -> Option<Duration> {
        let reading = self.reading.as_ref().filter(|_| matches!(self.link, Link::Ready(_)))?;
        self.lost.take_if(|_| reading.position().sequence >= self.known_then).map(|lost| at.since(lost))
    }

    /// Whether its connection is open.
    pub(super) fn is_open(&self) -> bool {
        self.link != Link::Closed
    }

    /// Whether it can send and will see what becomes of it.
    pub(super) fn can_send(&self) -> bool {
        self.is_attached() && self.awaited_from.is_some() && self.unanswered.len() < MOST_UNANSWERED
    }

    /// Whether its connection should be open.
    pub(super) fn is_wanted(&self) -> bool {
        self.standing == Standing::In
    }

    /// Whether a message is waited for here.
    pub(super) fn awaits(&self, number: u32) -> bool {
        self.awaited_from.is_some_and(|from| number >= from)
    }

    /// Whether a message must not arrive here any more.
    pub(super) fn is_past(&self, key: MessageKey) -> bool {
        let Standing::Leaving(Some(first)) = self.standing else { return false };
        key.fork == first.fork && key.number >= first.number
    }

    /// A message got its reply.
    pub(super) fn is_answered(&mut self, number: u32) {
        self.unanswered.retain(|unanswered| *unanswered != number);
    }
}
