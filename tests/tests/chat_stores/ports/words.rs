//! The vocabulary of the tests of single ports.

use chat::{
    AddMembers, Content, Ending, Entry, Epoch, History, HistoryQuery, MemberOf, MessageId, Position,
    RecordKey, Role, Room, RoomId, RoomName, Sequence, Start, Term, Text, User,
};
use contract::{Timestamp, Unavailable, Why};

use crate::stores::Stores;

pub(crate) const ROOM: RoomId = RoomId(0x018f_4e2a_6c1b_7d3e_9a5f_0123_4567_89ab);
pub(crate) const OTHER_ROOM: RoomId = RoomId(2);
pub(crate) const AT: Timestamp = Timestamp::from_millis(1_700_000_000_123);

/// Calls until a connection to the database is free in time: a busy machine may be slow. A deadlock is another error.
pub(crate) async fn insist<T>(call: impl AsyncFn() -> Result<T, Unavailable>) -> T {
    for _ in 0..100 {
        match call().await {
            Err(Unavailable { why: Why::Overloaded, .. }) => {}
            outcome => return outcome.unwrap(),
        }
    }
    panic!("the database is overloaded for ever");
}

pub(crate) fn user(name: &str) -> User {
    User::parse(name).unwrap()
}

pub(crate) fn users<const N: usize>(names: [&str; N]) -> Vec<User> {
    names.map(user).into()
}

pub(crate) fn of(room: RoomId, name: &str) -> MemberOf {
    MemberOf { room, user: user(name) }
}

pub(crate) fn epoch(number: u64) -> Epoch {
    Epoch::new(number).unwrap()
}

pub(crate) fn at(of: u64, sequence: u64) -> Position {
    Position { epoch: epoch(of), sequence: Sequence(sequence) }
}

pub(crate) fn adding(room: RoomId, users: Vec<User>, role: Role) -> AddMembers {
    AddMembers { room, by: user("ann"), users, role }
}

/// Makes a room whose owner is `ann`.
pub(crate) async fn make(stores: &Stores, room: RoomId) {
    let room = Room { id: room, name: RoomName::parse("Tea").unwrap(), by: user("ann"), at: AT };
    assert_eq!(stores.rooms.insert(&room).await.unwrap(), room);
}

/// A message of a sender by their first membership, to a log of epoch 1.
pub(crate) fn message(room: RoomId, sender: &str, id: u128, text: &str) -> Entry {
    let content =
        Content::Message { sender: user(sender), id: MessageId(id), text: Text::parse(text).unwrap() };
    let key = RecordKey { user: user(sender), what: format!("m{id:032x}") };
    Entry { room, epoch: epoch(1), key, term: Some(Term(1)), content, at: AT }
}

/// The end of a membership, to a log of epoch 1.
pub(crate) fn removal(room: RoomId, name: &str, term: u32) -> Entry {
    let content = Content::Removed { user: user(name), term: Term(term) };
    let key = RecordKey { user: user(name), what: format!("r{term}") };
    Entry { room, epoch: epoch(1), key, term: None, content, at: AT }
}

/// The whole log of a room.
pub(crate) async fn log(stores: &Stores, room: RoomId) -> History {
    let query = HistoryQuery { room, from: Start::After(Sequence(0)), limit: 100_000 };
    insist(async || stores.messages.history(&query, epoch(1)).await).await
}

/// The sequences of records.
pub(crate) fn sequences(history: &History) -> Vec<u64> {
    history.records.iter().map(|record| record.position.sequence.0).collect()
}

/// The term of a membership that is ending.
#[track_caller]
pub(crate) fn ending(came: Ending) -> Term {
    let Ending::Ending(term) = came else { panic!("{came:?}") };
    term
}
