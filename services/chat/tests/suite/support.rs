//! The vocabulary of these tests.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use chat::{Content, Epoch, Record, RoomId, RoomName, Text, User};
use contract::{Clock, Timestamp};

pub(crate) use crate::ground::at_once;

/// The moment at which everything begins.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(crate) const ROOM: RoomId = RoomId(5);
pub(crate) const OTHER_ROOM: RoomId = RoomId(6);

pub(crate) fn user(name: &str) -> User {
    User::parse(name).unwrap()
}

pub(crate) fn users(names: &[&str]) -> Vec<User> {
    names.iter().map(|name| user(name)).collect()
}

/// So many users, in the order of their names.
pub(crate) fn crowd(number: usize) -> Vec<User> {
    (0..number).map(|index| user(&format!("user-{index:05}"))).collect()
}

pub(crate) fn name(name: &str) -> RoomName {
    RoomName::parse(name).unwrap()
}

pub(crate) fn text(text: &str) -> Text {
    Text::parse(text).unwrap()
}

/// An epoch that no other log has.
pub(crate) fn new_epoch() -> Epoch {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Epoch::new(NEXT.fetch_add(1, Ordering::Relaxed)).unwrap()
}

/// A record in one line: `1 ann: hello`, or `2 bob was removed (1)`.
pub(crate) fn line(record: &Record) -> String {
    let number = record.position.sequence.0;
    match &record.content {
        Content::Message { sender, text, .. } => format!("{number} {sender}: {text}"),
        Content::Removed { user, term } => format!("{number} {user} was removed ({})", term.0),
    }
}

/// A clock that a test sets.
pub(crate) struct SetClock(AtomicU64);

impl SetClock {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(START.millis()))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}
