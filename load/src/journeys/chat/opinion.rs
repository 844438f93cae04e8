//! The second opinion: a room is a list, a message appends to it, and what a connection has read is a read of it. It knows of
//! messages and of time, and nothing of positions.
//!
//! A connection gets a message some time after it was acknowledged, so a read is of no certain moment: it is given all the
//! time from the beginning of the run until its last message came. What is judged is whether all readers agree on one order,
//! and whether a message that was sent after another's acknowledgement comes after it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{crowd::MessageKey, facts};
use crate::{
    history::{Ending, Part, Transaction, judge},
    ledger::LedgerVerdict,
    live::Moment,
};

/// The rooms that are judged, and the readers of each: so many of the first ones.
const ROOMS: usize = 10;
const READERS: usize = 20;
/// The most messages of one reader that are remembered.
const MOST_READ: u32 = 100;
/// The most messages that are remembered; what comes later may be read, and nobody knows when it was sent.
const MOST_SENT: usize = 20_000;

/// What was sent and read in the first rooms, and when.
#[derive(Debug)]
pub(super) struct Opinion {
    began: Moment,
    told: Mutex<Told>,
}

#[derive(Clone, Debug, Default)]
struct Told {
    /// When a message was sent, and when it was acknowledged.
    sent: BTreeMap<MessageKey, (Duration, Option<Duration>)>,
    /// What each connection has read from the beginning of its room, by thread and member; and when the last of it came.
    readers: BTreeMap<(u8, usize), (u16, Duration, Vec<MessageKey>)>,
}

impl Opinion {
    /// An opinion on what happens from now on.
    pub(super) fn since(began: Moment) -> Self {
        Self { began, told: Mutex::default() }
    }

    /// Whether a room is judged.
    pub(super) fn watches(room: usize) -> bool {
        room < ROOMS
    }

    /// How many messages of a room's member are judged, counted within the room.
    pub(super) fn of_reader(room: usize, nth: usize) -> u32 {
        if Self::watches(room) && nth < READERS { MOST_READ } else { 0 }
    }

    /// A message is sent.
    pub(super) fn sent(&self, key: MessageKey, at: Moment) {
        let now = at.since(self.began);
        self.tell(|told| {
            if told.sent.len() < MOST_SENT {
                told.sent.entry(key).or_insert((now, None));
            }
        });
    }

    /// It was acknowledged.
    pub(super) fn acknowledged(&self, key: MessageKey, at: Moment) {
        let now = at.since(self.began);
        self.tell(|told| {
            if let Some((_, acknowledged)) = told.sent.get_mut(&key) {
                acknowledged.get_or_insert(now);
            }
        });
    }

    /// A connection, by its thread and member, has read a message; it has read everything from the beginning of its room.
    pub(super) fn read(&self, reader: (u8, usize), key: MessageKey, at: Moment) {
        let now = at.since(self.began);
        self.tell(|told| {
            let (_, last, read) = told.readers.entry(reader).or_insert((key.room, now, Vec::new()));
            read.push(key);
            *last = now;
        });
    }

    /// Adds what the history says to a verdict.
    pub(super) fn add_to(&self, verdict: &mut LedgerVerdict) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let transactions = transactions(&told);
        // Of a single message there is no order.
        if told.readers.values().all(|(_, _, read)| read.len() < 2) {
            return;
        }
        let judgement = judge(&transactions);
        verdict.note(facts::JUDGED, judgement.transactions as u64);
        verdict.breach(facts::ANOMALIES, judgement.anomalies.len() as u64);
        if let Some(smallest) = judgement.anomalies.first() {
            verdict.example(|| format!("{}: {}", smallest.name, smallest.witness));
        }
        if judgement.is_undecided {
            verdict.not_asked(1);
            verdict.example(|| "the second opinion is undecided".to_owned());
        }
    }

    fn tell(&self, tell: impl FnOnce(&mut Told)) {
        tell(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The history: each reader is a transaction, and so is each message that somebody has read.
fn transactions(told: &Told) -> Vec<Transaction> {
    let list = |room: u16| format!("room {room}");
    let element = |key: &MessageKey| format!("{}-{}-{}", key.fork, key.member, key.number);
    let readers = told.readers.values().map(|(room, last, read)| Transaction {
        began: Duration::ZERO,
        ending: Ending::Committed(*last),
        parts: vec![Part::Read { list: list(*room), elements: read.iter().map(element).collect() }],
    });
    let read: BTreeSet<&MessageKey> = told.readers.values().flat_map(|(_, _, read)| read).collect();
    let messages = read.into_iter().map(|key| {
        // One that the check sent, or one too many to be remembered: nobody knows when it was sent.
        let (began, acknowledged) = told.sent.get(key).copied().unwrap_or_default();
        Transaction {
            began,
            ending: acknowledged.map_or(Ending::Unknown, Ending::Committed),
            parts: vec![Part::Append { list: list(key.room), element: element(key) }],
        }
    });
    readers.chain(messages).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> MessageKey {
        MessageKey { fork: 0, room: 0, member: 1, number }
    }

    /// The verdict on messages that were sent one after the other, and on who has read what.
    fn verdict(sent: &[u32], readers: &[&[u32]]) -> LedgerVerdict {
        let opinion = Opinion::since(Moment::from_nanos(0));
        let mut moments = (1..).map(Moment::from_nanos);
        let mut next = || moments.next().unwrap();
        for number in sent {
            opinion.sent(key(*number), next());
            opinion.acknowledged(key(*number), next());
        }
        for (reader, read) in readers.iter().enumerate() {
            read.iter().for_each(|number| opinion.read((0, reader), key(*number), next()));
        }
        let mut verdict = LedgerVerdict { complete: true, ..LedgerVerdict::default() };
        opinion.add_to(&mut verdict);
        verdict
    }

    #[test]
    fn readers_who_agree_are_judged_and_nothing_is_found() {
        let verdict = verdict(&[1, 2, 3], &[&[1, 2, 3], &[1, 2], &[1]]);
        assert_eq!((verdict.count(facts::JUDGED), verdict.count(facts::ANOMALIES)), (6, 0), "{verdict:?}");
        assert!(verdict.holds());
    }

    #[test]
    fn readers_who_disagree_are_an_anomaly() {
        let verdict = verdict(&[1, 2, 3], &[&[1, 2, 3], &[2, 1]]);
        assert!(verdict.count(facts::ANOMALIES) > 0, "{verdict:?}");
    }

    #[test]
    fn a_message_before_one_that_was_acknowledged_when_it_was_sent_is_an_anomaly() {
        let verdict = verdict(&[1, 2], &[&[2, 1], &[2, 1]]);
        assert!(verdict.count(facts::ANOMALIES) > 0, "{verdict:?}");
    }

    #[test]
    fn a_message_that_nobody_remembers_and_a_single_one_are_no_anomaly() {
        let found = verdict(&[1, 2], &[&[1, 9, 2], &[1, 9]]);
        assert_eq!(found.count(facts::ANOMALIES), 0, "{found:?}");
        assert!(verdict(&[1], &[&[1]]).holds(), "and of one message nothing can be said");
    }
}
