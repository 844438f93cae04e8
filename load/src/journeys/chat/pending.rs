//! Messages on their way: each is waited for by its sender, who wants it acknowledged, and by the members of its room.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{
    journey::{Failure, Outcome},
    live::Moment,
};

/// How long a message may take, from when it was due, to be acknowledged and to arrive everywhere.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// A message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) room: usize,
    /// Who sent it.
    pub(super) sender: usize,
    pub(super) due: Moment,
    pub(super) sent: Moment,
    /// How many members it has not arrived at.
    pub(super) awaited: u32,
    pub(super) is_acknowledged: bool,
    /// Its place in the log, if that is known.
    sequence: Option<u64>,
    /// When it last arrived somewhere.
    arrived: Option<Moment>,
}

/// A message that is waited for no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) number: u32,
    pub(super) message: Message,
    pub(super) at: Moment,
    pub(super) outcome: Outcome,
}

/// All messages on their way, by their numbers, which are in the order in which they were sent.
#[derive(Debug, Default)]
pub(super) struct Pending {
    messages: BTreeMap<u32, Message>,
    /// When each has to have arrived, in that order.
    limits: VecDeque<(Moment, u32)>,
}

impl Message {
    /// A message that is sent now, to so many members.
    pub(super) fn new(room: usize, sender: usize, due: Moment, sent: Moment, awaited: u32) -> Self {
        Self { room, sender, due, sent, awaited, is_acknowledged: false, sequence: None, arrived: None }
    }
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        self.messages.contains_key(&number)
    }

    /// A message is sent.
    pub(super) fn begin(&mut self, number: u32, message: Message) {
        self.messages.insert(number, message);
        self.limits.push_back((message.due.after(LIMIT), number));
    }

    /// It has arrived at a member that it is waited for at.
    pub(super) fn arrived(&mut self, number: u32, sequence: u64, at: Moment) -> Option<Done> {
        let message = self.messages.get_mut(&number)?;
        message.sequence = Some(sequence);
        message.awaited = message.awaited.saturating_sub(1);
        message.arrived = Some(at);
        self.done(number, at)
    }

    /// It was acknowledged.
    pub(super) fn acknowledged(&mut self, number: u32, sequence: u64, at: Moment) -> Option<Done> {
        let message = self.messages.get_mut(&number)?;
        message.sequence = Some(sequence);
        message.is_acknowledged = true;
        self.done(number, at)
    }

    /// It was refused, or could not be sent.
    pub(super) fn refused(&mut self, number: u32, at: Moment, outcome: Outcome) -> Option<Done> {
        let message = self.messages.remove(&number)?;
        Some(Done { number, message, at, outcome })
    }

    /// A member of a room is not waited for any more, at which messages from `from` on were, but for those that it has.
    pub(super) fn give_up(
        &mut self,
        (room, from): (usize, u32),
        has: impl Fn(u64) -> bool,
        at: Moment,
    ) -> Vec<Done> {
        let mut lacking = Vec::new();
        for (number, message) in self.messages.range_mut(from..) {
            if message.room == room && !message.sequence.is_some_and(&has) {
                message.awaited = message.awaited.saturating_sub(1);
                lacking.push(*number);
            }
        }
        lacking.into_iter().filter_map(|number| self.done(number, at)).collect()
    }

    /// The messages that have taken too long.
    pub(super) fn overdue(&mut self, now: Moment) -> Vec<Done> {
        let mut overdue = Vec::new();
        while let Some((_, number)) = self.limits.pop_front_if(|(limit, _)| *limit <= now) {
            if let Some(message) = self.messages.remove(&number) {
                let failure = if message.is_acknowledged { Failure::Missing } else { Failure::Timeout };
                overdue.push(Done { number, message, at: now, outcome: Outcome::Failed(failure) });
            }
        }
        overdue
    }

    /// Ends a message that has arrived everywhere and was acknowledged. It took until it last arrived somewhere.
    fn done(&mut self, number: u32, now: Moment) -> Option<Done> {
        let is_done = |message: &Message| message.awaited == 0 && message.is_acknowledged;
        let message = *self.messages.get(&number).filter(|message| is_done(message))?;
        self.messages.remove(&number);
        Some(Done { number, message, at: message.arrived.unwrap_or(now), outcome: Outcome::Success })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    /// Messages of room 3 that are due at these times, each awaited by two.
    fn pending(due: &[u64]) -> Pending {
        let mut pending = Pending::default();
        for (number, due) in (0..).zip(due) {
            pending.begin(number, Message::new(3, 31, at(*due), at(*due), 2));
        }
        pending
    }

    fn told(done: Option<Done>) -> Option<(Moment, Outcome)> {
        done.map(|done| (done.at, done.outcome))
    }

    #[test]
    fn a_message_ends_when_it_has_arrived_everywhere_and_was_acknowledged() {
        let mut late_reply = pending(&[0]);
        assert_eq!(late_reply.arrived(0, 9, at(5)), None);
        assert_eq!(late_reply.arrived(0, 9, at(7)), None);
        let done = late_reply.acknowledged(0, 9, at(20));
        assert_eq!(told(done), Some((at(7), Outcome::Success)), "it took until the last arrival");
        assert!(late_reply.is_empty());
        let mut late_arrival = pending(&[0]);
        assert_eq!(late_arrival.acknowledged(0, 9, at(2)), None);
        assert_eq!(late_arrival.arrived(0, 9, at(5)), None);
        assert_eq!(told(late_arrival.arrived(0, 9, at(7))), Some((at(7), Outcome::Success)));
    }

    #[test]
    fn what_is_not_acknowledged_has_timed_out_and_what_does_not_arrive_is_missing() {
        let mut pending = pending(&[0, 10]);
        pending.acknowledged(1, 9, at(20));
        pending.arrived(1, 9, at(30));
        assert_eq!(pending.overdue(at(4_999)), []);
        let overdue = pending.overdue(at(5_010));
        let outcomes: Vec<_> = overdue.iter().map(|done| (done.number, done.outcome)).collect();
        let failed = Outcome::Failed;
        assert_eq!(outcomes, [(0, failed(Failure::Timeout)), (1, failed(Failure::Missing))]);
        assert!(pending.is_empty());
    }

    #[test]
    fn a_refused_message_has_ended() {
        let mut pending = pending(&[0]);
        let done = pending.refused(0, at(3), Outcome::Refused("unavailable"));
        assert_eq!(told(done), Some((at(3), Outcome::Refused("unavailable"))));
        assert_eq!(pending.acknowledged(0, 9, at(4)), None);
        assert_eq!(pending.overdue(at(9_000)), []);
    }

    #[test]
    fn a_member_that_is_given_up_is_not_waited_for() {
        let mut pending = pending(&[0, 1, 2]);
        for number in 0..3 {
            pending.acknowledged(number, 10 + u64::from(number), at(5));
            pending.arrived(number, 10 + u64::from(number), at(6));
        }
        // It was there since the second message, and has that one.
        let done = pending.give_up((3, 1), |sequence| sequence == 11, at(8));
        assert_eq!(done.iter().map(|done| done.number).collect::<Vec<_>>(), [2]);
        assert_eq!(pending.give_up((4, 0), |_| false, at(8)), [], "of another room");
        assert!(pending.contains(0) && pending.contains(1) && !pending.contains(2));
    }
}
