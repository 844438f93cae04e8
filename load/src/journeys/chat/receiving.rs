//! What arrives at a connection.

use super::{
    crowd::{Entry, What},
    frames::{self, Frame, Position},
    ledger_state::{Acknowledged, Seen},
    member::{Link, Standing},
    opinion::Opinion,
    pending::Done,
    reading::{Arrival, Reading},
    timeline::Drawn,
    workload::{Workload, end_all},
};
use crate::{
    journey::{Failure, Outcome, UNAVAILABLE},
    journeys::id::Id,
    live::{Connections, Moment},
};

/// The cause of a refusal because of too many messages.
const RATE_LIMITED: &str = "rate-limited";
/// The most characters of a frame in an example.
const SHOWN: usize = 200;

/// What is known of one room.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// At how many members a message is waited for that is sent now.
    pub(super) awaiting: u32,
    /// The furthest record that anybody has heard of.
    pub(super) up_to: Position,
    /// The last record as it came: it comes to all members in the same words, and has to be read once.
    last: Option<(String, Entry)>,
}

impl Workload {
    /// A frame has arrived.
    pub(super) fn hear(&mut self, connection: usize, text: &str, at: Moment, connections: &mut Connections) {
        let room = self.crowd.room_of(connection);
        let known = self.rooms[room].last.as_ref().filter(|(last, _)| last == text);
        if let Some(entry) = known.map(|(_, entry)| *entry) {
            return self.record(connection, entry, at, connections);
        }
        match frames::read(text) {
            Some(Frame::Record(record)) if record.room == self.crowd.room_id(room) => {
                let entry = self.crowd.entry(room, &record);
                self.rooms[room].last = Some((text.to_owned(), entry));
                self.record(connection, entry, at, connections);
            }
            Some(Frame::Ready(position)) => self.ready(connection, position, at, connections),
            Some(Frame::Sent { id, position }) => self.acknowledged(id, position, at, connections),
            Some(Frame::Refused { id, code }) => self.refused(id, &code, at, connections),
            Some(Frame::SlowDown) => self.slow_down(connection, at, connections),
            Some(Frame::Read) => {}
            Some(Frame::Record(_)) | None => self.ledger.broken(Seen::Unknown, || {
                let shown: String = text.chars().take(SHOWN).collect();
                format!("`{}` was sent `{shown}`", self.crowd.user(connection))
            }),
        }
    }

    /// A connection is told after which position it reads.
    fn ready(&mut self, connection: usize, position: Position, at: Moment, connections: &mut Connections) {
        self.course.count(Drawn::Attached, at);
        let room = self.crowd.room_of(connection);
        self.has_heard_of(room, position);
        let member = &mut self.members[connection];
        member.link = Link::Ready(member.link.since().unwrap_or(at));
        member.known_then = self.rooms[room].up_to.sequence;
        if member.reading.as_ref().is_some_and(|reading| reading.epoch != position.epoch) {
            let done = self.stop_reading(connection, at);
            end_all(done, connections);
        }
        let member = &mut self.members[connection];
        member.reading.get_or_insert_with(|| Reading::after(position)).skip_to(position.sequence);
        if member.standing == Standing::In && !member.is_slow && member.awaited_from.is_none() {
            self.is_awaited(connection);
        }
        self.send_again(connection, connections);
        self.catches_up(connection, at);
    }

    /// A connection has read on: if it had been lost, it may have caught up by now.
    fn catches_up(&mut self, connection: usize, at: Moment) {
        if let Some(away) = self.members[connection].is_back(at) {
            self.ledger.is_back(away);
        }
    }

    /// Somebody has heard of a record.
    pub(super) fn has_heard_of(&mut self, room: usize, position: Position) {
        let up_to = &mut self.rooms[room].up_to;
        *up_to = position.max(*up_to);
    }

    /// What is sent from now on is waited for at a member.
    pub(super) fn is_awaited(&mut self, connection: usize) {
        let from = &mut self.members[connection].awaited_from;
        if from.replace(self.next_number).is_none() {
            self.rooms[self.crowd.room_of(connection)].awaiting += 1;
        }
    }

    /// A connection will not read on from where it is. Returns the messages that are not waited for any more.
    #[must_use]
    pub(super) fn stop_reading(&mut self, connection: usize, at: Moment) -> Vec<Done> {
        let done = self.await_no_more(connection, at);
        if let Some(reading) = self.members[connection].reading.take() {
            self.ledger.has_read(self.crowd.room_of(connection), &reading);
        }
        done
    }

    /// What a connection has not read by now is not waited for there. Returns the messages that are not waited for any more.
    #[must_use]
    pub(super) fn await_no_more(&mut self, connection: usize, at: Moment) -> Vec<Done> {
        let member = &mut self.members[connection];
        let Some(from) = member.awaited_from.take() else { return Vec::new() };
        let room = self.crowd.room_of(connection);
        let awaiting = &mut self.rooms[room].awaiting;
        *awaiting = awaiting.saturating_sub(1);
        let reading = member.reading.as_ref();
        let has = |sequence: u64| reading.is_some_and(|reading| reading.has(sequence));
        self.pending.give_up((room, from), has, at)
    }

    /// Sends once more, with the same ids, what a connection had sent before it broke off and what got no reply.
    fn send_again(&mut self, connection: usize, connections: &mut Connections) {
        let Self { members, pending, .. } = self;
        members[connection].unanswered.retain(|number| pending.contains(*number));
        for number in self.members[connection].unanswered.iter().copied() {
            let id = self.crowd.id(self.crowd.key(self.fork, connection, number));
            // What cannot be sent now has time until its limit.
            let _ = connections.send(connection, frames::send(id, &self.crowd.text(id), None));
        }
    }

    /// A record of the room has arrived.
    fn record(&mut self, connection: usize, entry: Entry, at: Moment, connections: &mut Connections) {
        let room = self.crowd.room_of(connection);
        let user = || self.crowd.user(connection);
        let Entry { sequence, what, digest } = entry;
        let member = &mut self.members[connection];
        if matches!(member.link, Link::Over(_)) {
            let story = || format!("`{}` was sent record {sequence} after the end of the membership", user());
            return self.ledger.broken(Seen::AfterRemoval, story);
        }
        let Some(reading) = member.reading.as_mut().filter(|_| matches!(member.link, Link::Ready(_))) else {
            let story = || format!("`{}` was sent record {sequence} before `ready`", user());
            return self.ledger.broken(Seen::OutOfOrder, story);
        };
        match reading.record(sequence, digest) {
            Arrival::New => {}
            Arrival::Late => {
                let story = || format!("`{}` was sent record {sequence} after a later one", user());
                self.ledger.broken(Seen::OutOfOrder, story);
            }
            Arrival::Doubled => {
                let story = || format!("`{}` was sent record {sequence} once more", user());
                return self.ledger.broken(Seen::Doubled, story);
            }
        }
        self.ledger.note(Seen::Delivery);
        let (position, known_then) = (reading.position(), member.known_then);
        if what == What::Unknown {
            reading.spoil();
        }
        self.has_heard_of(room, position);
        self.catches_up(connection, at);
        match what {
            What::Message(_) => self.message(connection, entry, at, connections),
            // Whoever was removed and added again may read of the former membership's end first.
            What::Removed(removed) if removed == connection && sequence > known_then => {
                let link = &mut self.members[connection].link;
                *link = Link::Over(link.since().unwrap_or(at));
                let done = self.stop_reading(connection, at);
                end_all(done, connections);
            }
            What::Removed(_) => {}
            What::Unknown => self.ledger.broken(Seen::Unknown, || {
                format!("record {sequence} that `{}` was sent is nobody's", self.crowd.user(connection))
            }),
        }
    }

    /// A message has arrived.
    fn message(&mut self, connection: usize, entry: Entry, at: Moment, connections: &mut Connections) {
        let What::Message(key) = entry.what else { return };
        let member = &mut self.members[connection];
        if member.is_past(key) {
            self.ledger.broken(Seen::AfterRemoval, || {
                let (user, id) = (self.crowd.user(connection), self.crowd.id(key));
                format!("`{user}` was sent message {id}, which was sent after the removal")
            });
        }
        if member.to_judge > 0 && member.reading.as_ref().is_some_and(Reading::is_from_the_beginning) {
            member.to_judge -= 1;
            self.ledger.opinion.read((self.fork, connection), key, at);
        }
        if key.fork == self.fork && member.awaits(key.number) {
            let done = self.pending.arrived(key.number, entry.sequence, at);
            end_all(done, connections);
        }
    }

    /// A message was stored.
    fn acknowledged(&mut self, id: Id, position: Position, at: Moment, connections: &mut Connections) {
        let Some(key) = self.crowd.message(id).filter(|key| key.fork == self.fork) else { return };
        let room = usize::from(key.room);
        self.ledger.acknowledged(Acknowledged { key, position });
        self.members[self.crowd.sender(key)].is_answered(key.number);
        self.has_heard_of(room, position);
        if Opinion::watches(room) {
            self.ledger.opinion.acknowledged(key, at);
        }
        let done = self.pending.acknowledged(key.number, position.sequence, at);
        end_all(done, connections);
    }

    /// A message was refused. It may have been stored nevertheless, unless its id has another text.
    fn refused(&mut self, id: Id, code: &str, at: Moment, connections: &mut Connections) {
        let Some(key) = self.crowd.message(id).filter(|key| key.fork == self.fork) else { return };
        let outcome = match code {
            // Nobody had a message stored in time.
            "unavailable" | "overdue" => Outcome::Refused(UNAVAILABLE),
            _ => Outcome::Failed(Failure::WrongAnswer),
        };
        self.members[self.crowd.sender(key)].is_answered(key.number);
        let done = self.pending.refused(key.number, at, outcome);
        end_all(done, connections);
    }

    /// A message was not handled: the first one that got no reply.
    fn slow_down(&mut self, connection: usize, at: Moment, connections: &mut Connections) {
        let first = self.members[connection].unanswered.pop_front();
        let refused = |number| self.pending.refused(number, at, Outcome::Refused(RATE_LIMITED));
        let done = first.and_then(refused);
        end_all(done, connections);
    }
}
