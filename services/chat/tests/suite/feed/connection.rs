//! A connection that notes what it was sent.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use chat::{Content, Ended, Epoch, Framed, MessageId, Position, Reader, Record, Sequence, Term, User};
use contract::Timestamp;

use crate::support::{ROOM, START, text, user};

/// A connection. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Connection(Rc<State>);

struct State {
    user: User,
    term: Term,
    until: Timestamp,
    is_open: Cell<bool>,
    got: RefCell<Vec<Record>>,
    ended: RefCell<Vec<Ended>>,
}

impl Connection {
    /// A connection that may read until a moment.
    pub(crate) fn until(until: Timestamp, name: &str, term: u32) -> Self {
        let (user, term, is_open) = (user(name), Term(term), Cell::new(true));
        let (got, ended) = (RefCell::default(), RefCell::default());
        Self(Rc::new(State { user, term, until, is_open, got, ended }))
    }

    /// A connection by some membership of a user.
    pub(crate) fn new(name: &str, term: u32) -> Self {
        Self::until(Timestamp::from_millis(u64::MAX), name, term)
    }

    /// The other side goes away.
    pub(crate) fn close(&self) {
        self.0.is_open.set(false);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.is_open.get()
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The records that it was sent.
    pub(crate) fn got(&self) -> Vec<Record> {
        self.0.got.borrow().clone()
    }

    /// Their numbers.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.0.got.borrow().iter().map(|record| record.position.sequence.0).collect()
    }

    /// How often and why it was ended.
    pub(crate) fn ended(&self) -> Vec<Ended> {
        self.0.ended.borrow().clone()
    }
}

impl Reader for Connection {
    type Frame = Record;

    fn user(&self) -> &User {
        &self.0.user
    }

    fn term(&self) -> Term {
        self.0.term
    }

    fn until(&self) -> Timestamp {
        self.0.until
    }

    fn receive(&self, frame: &Record) -> bool {
        if self.is_open() {
            self.0.got.borrow_mut().push(frame.clone());
        }
        self.is_open()
    }

    fn end(&self, why: Ended) {
        self.0.ended.borrow_mut().push(why);
    }
}

/// A position in the log of an epoch.
pub(crate) fn at(epoch: u64, sequence: u64) -> Position {
    Position { epoch: Epoch::new(epoch).unwrap(), sequence: Sequence(sequence) }
}

fn record(position: Position, content: Content) -> Record {
    Record { room: ROOM, position, at: START, content }
}

pub(crate) fn message(position: Position) -> Record {
    let id = MessageId(position.sequence.0.into());
    record(position, Content::Message { sender: user("ann"), id, text: text(&position.to_string()) })
}

pub(crate) fn removal(position: Position, name: &str, term: u32) -> Record {
    record(position, Content::Removed { user: user(name), term: Term(term) })
}

/// A record that is its own frame.
pub(crate) fn framed(record: &Record) -> Framed<Record> {
    Framed { record: record.clone(), frame: record.clone() }
}
