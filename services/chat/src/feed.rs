//! What a process knows of one room, and the connections that read it: a state machine without I/O.
//!
//! The transport between processes may lose, repeat and reorder records, so a record that it brings is passed on only if it is
//! the next one; otherwise it is a hint that there is more, and the feed wants the log read ([`Feed::wants`]). Each connection
//! has a position of its own, and gets a record only if it is the one after it. So no connection misses a record, or gets one
//! twice, whatever is lost.

use std::collections::VecDeque;

use contract::Timestamp;

use crate::{Content, Epoch, History, Position, Record, Sequence, Term, User};

/// A connection that reads a room.
pub trait Reader {
    /// A record as it is sent; cheap to clone, so that it is encoded once for all connections.
    type Frame: Clone;

    /// Whose it is.
    fn user(&self) -> &User;

    /// By which membership it reads.
    fn term(&self) -> Term;

    /// Until when it may read.
    fn until(&self) -> Timestamp;

    /// Sends a record. Returns whether the connection is still there.
    fn receive(&self, frame: &Self::Frame) -> bool;

    /// Ends the connection.
    fn end(&self, why: Ended);
}

/// Why a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its user is no member of the room any more.
    Removed,
    /// It may read only until now.
    Expired,
    /// The room has another log than the one that it has read.
    OtherEpoch,
}

/// A record, and how it is sent.
#[derive(Clone, Debug)]
pub struct Framed<F> {
    /// The record.
    pub record: Record,
    /// The frame.
    pub frame: F,
}

/// What came of a connection that is to be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attached {
    /// It is, and gets whatever follows.
    Live,
    /// It has ended: what it lacked had the end of its membership, or it was closed meanwhile.
    Gone,
    /// It is behind: whatever follows its position has to be read from the log first.
    Behind,
    /// The log has another epoch.
    OtherEpoch(Epoch),
}

/// What a process knows of one room.
pub struct Feed<R: Reader> {
    /// Up to where records were passed on.
    at: Position,
    /// The furthest record that somebody mentioned.
    seen: Sequence,
    readers: Vec<Attachment<R>>,
    /// The last records that were passed on, without holes, the last of them at `at`.
    window: VecDeque<Framed<R::Frame>>,
    window_size: usize,
    /// Whether the room got another log since the log was last read.
    has_restarted: bool,
}

struct Attachment<R> {
    reader: R,
    has: Sequence,
}

impl<R: Reader> Feed<R> {
    /// A feed that begins at a position of the log; it keeps the frames of so many records.
    pub fn new(at: Position, window_size: usize) -> Self {
        let (readers, window) = (Vec::new(), VecDeque::new());
        Self { at, seen: at.sequence, readers, window, window_size, has_restarted: false }
    }

    /// Up to where records were passed on.
    pub fn position(&self) -> Position {
        self.at
    }

    /// The connections.
    pub fn readers(&self) -> usize {
        self.readers.len()
    }

    /// After which record the log has to be read, if there is more than was passed on.
    pub fn wants(&self) -> Option<Sequence> {
        (self.seen > self.at.sequence).then_some(self.at.sequence)
    }

    /// Somebody says where the log ends.
    pub fn ends_at(&mut self, end: Position) {
        if end.epoch == self.at.epoch {
            self.seen = self.seen.max(end.sequence);
        } else {
            self.restart(end);
        }
    }

    /// The transport brought a record, which may be any: a lost one's successor, a repetition, one of an old log.
    ///
    /// One of another epoch says only that something is wrong: the log itself has to be asked ([`ends_at`](Self::ends_at)).
    /// Returns whether it is.
    pub fn hint(&mut self, framed: &Framed<R::Frame>, now: Timestamp) -> bool {
        let Position { epoch, sequence } = framed.record.position;
        if epoch != self.at.epoch {
            return true;
        }
        self.seen = self.seen.max(sequence);
        if sequence == self.at.sequence.next() {
            self.pass_on(framed, now);
        }
        false
    }

    /// The log was read after the position at which the feed wanted it to be; at most one read is on its way at a time.
    ///
    /// Records that were passed on meanwhile are skipped. A number without a record, which only a log with holes has, is
    /// passed over.
    pub fn loaded(&mut self, end: Position, records: &[Framed<R::Frame>], now: Timestamp) {
        if end.epoch != self.at.epoch {
            return self.restart(end);
        }
        self.seen = self.seen.max(end.sequence);
        let begins = records.first().map_or(end.sequence.next(), |first| first.record.position.sequence);
        // What comes first after a restart may have been asked for before it, after a record of the old log.
        if std::mem::take(&mut self.has_restarted) && begins > self.at.sequence.next() {
            return;
        }
        for framed in records {
            if framed.record.position.sequence > self.at.sequence {
                self.pass_over(Sequence(framed.record.position.sequence.0 - 1));
                self.pass_on(framed, now);
            }
        }
        if records.is_empty() {
            self.pass_over(end.sequence);
        }
    }

    /// Attaches a connection that has everything up to a position.
    pub fn attach(&mut self, reader: R, has: Position) -> Attached {
        if has.epoch != self.at.epoch {
            return Attached::OtherEpoch(self.at.epoch);
        }
        if has.sequence < self.at.sequence {
            let kept_from = self.window.front().map(|framed| framed.record.position.sequence);
            if kept_from.is_none_or(|kept_from| kept_from > has.sequence.next()) {
                return Attached::Behind;
            }
            let is_missing = |framed: &&Framed<_>| framed.record.position.sequence > has.sequence;
            if !self.window.iter().filter(is_missing).all(|framed| framed.give(&reader)) {
                return Attached::Gone;
            }
        }
        self.seen = self.seen.max(has.sequence);
        let has = has.sequence.max(self.at.sequence);
        self.readers.push(Attachment { reader, has });
        Attached::Live
    }

    /// Detaches the connections for which this holds.
    pub fn detach(&mut self, is_gone: impl Fn(&R) -> bool) {
        self.readers.retain(|attachment| !is_gone(&attachment.reader));
    }

    /// Ends the connections that may read only until now.
    pub fn expire(&mut self, now: Timestamp) {
        self.readers.retain(|Attachment { reader, .. }| {
            let stays = now < reader.until();
            if !stays {
                reader.end(Ended::Expired);
            }
            stays
        });
    }

    /// Passes the next record on.
    fn pass_on(&mut self, framed: &Framed<R::Frame>, now: Timestamp) {
        let sequence = framed.record.position.sequence;
        self.readers.retain_mut(|attachment| {
            if attachment.has >= sequence {
                return true;
            }
            attachment.has = sequence;
            let reader = &attachment.reader;
            if now >= reader.until() {
                reader.end(Ended::Expired);
                return false;
            }
            framed.give(reader)
        });
        self.at.sequence = sequence;
        self.window.push_back(framed.clone());
        if self.window.len() > self.window_size {
            self.window.pop_front();
        }
    }

    /// Goes on behind numbers that have no records.
    fn pass_over(&mut self, to: Sequence) {
        if to > self.at.sequence {
            self.at.sequence = to;
            self.window.clear();
            for attachment in &mut self.readers {
                attachment.has = attachment.has.max(to);
            }
        }
    }

    /// The room has another log now.
    fn restart(&mut self, at: Position) {
        for attachment in self.readers.drain(..) {
            attachment.reader.end(Ended::OtherEpoch);
        }
        self.window.clear();
        (self.at, self.seen, self.has_restarted) = (at, at.sequence, true);
    }
}

impl<F: Clone> Framed<F> {
    /// Sends the record to a connection, and ends it if the record is the end of the membership by which it reads. Returns
    /// whether the connection is still there.
    pub fn give(&self, reader: &impl Reader<Frame = F>) -> bool {
        let is_there = reader.receive(&self.frame);
        let is_removed = match &self.record.content {
            Content::Message { .. } => false,
            Content::Removed { user, term } => user == reader.user() && *term >= reader.term(),
        };
        if is_removed {
            reader.end(Ended::Removed);
        }
        is_there && !is_removed
    }
}

impl History {
    /// The records with their frames.
    pub fn framed<F>(self, frame: impl Fn(&Record) -> F) -> Vec<Framed<F>> {
        let framed = |record: Record| Framed { frame: frame(&record), record };
        self.records.into_iter().map(framed).collect()
    }
}
