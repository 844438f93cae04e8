//! What was acknowledged and what was read during the load: one ledger for all threads.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{crowd::MessageKey, facts, frames::Position, opinion::Opinion, reading::Reading};
use crate::{
    ledger::{LedgerVerdict, Log},
    live::Moment,
    sender::Target,
};

/// The most examples that are kept of what was wrong.
const EXAMPLES: usize = 10;

/// The longest time until a client is back and has caught up.
const BACK_WITHIN: Duration = Duration::from_secs(3);

/// What is counted while it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A record arrived.
    Delivery,
    /// A connection was opened again.
    Reconnect,
    /// A millisecond in which a connection was lost, or had not caught up.
    AwayMillisecond,
    /// A connection was away for longer than [`BACK_WITHIN`].
    BackLate,
    /// A connection was sent to the history.
    RecoveryRefused,
    /// A record arrived once more.
    Doubled,
    /// A record arrived after a later one, or too early.
    OutOfOrder,
    /// A record arrived that nobody has sent like that.
    Unknown,
    /// A record arrived after the end of the membership, or the connection stayed.
    AfterRemoval,
}

/// What is counted, with the name of its fact and whether one is too many, in the order of [`Seen`].
const COUNTED: [(&str, bool); 9] = [
    (facts::DELIVERIES, false),
    (facts::RECONNECTS, false),
    (facts::AWAY_MS, false),
    (facts::BACK_LATE, false),
    (facts::RECOVERIES_REFUSED, false),
    (facts::DELIVERIES_DOUBLED, true),
    (facts::DELIVERIES_OUT_OF_ORDER, true),
    (facts::DELIVERIES_UNKNOWN, true),
    (facts::DELIVERED_AFTER_REMOVAL, true),
];

/// The ledger of one run.
#[derive(Debug)]
pub(super) struct LedgerState {
    log: Log,
    pub(super) opinion: Opinion,
    /// The token of each member, once they are prepared.
    tokens: OnceLock<Vec<String>>,
    /// Where the chat is.
    target: OnceLock<Target>,
    counts: [AtomicU64; COUNTED.len()],
    examples: Mutex<Vec<String>>,
}

/// A message that was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Acknowledged {
    pub(super) key: MessageKey,
    pub(super) position: Position,
}

/// What the log has of one room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RoomLog {
    pub(super) acknowledged: Vec<Acknowledged>,
    /// What connections had read that go on elsewhere in the log, or not at all.
    pub(super) readings: Vec<Reading>,
}

impl LedgerState {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            log: Log::anonymous()?,
            opinion: Opinion::since(Moment::now()),
            tokens: OnceLock::new(),
            target: OnceLock::new(),
            counts: Default::default(),
            examples: Mutex::default(),
        })
    }

    /// The members are prepared. A second preparation of the same run changes nothing.
    pub(super) fn prepared(&self, target: &Target, tokens: Vec<String>) {
        let _ = self.target.set(target.clone());
        let _ = self.tokens.set(tokens);
    }

    /// The token of a member; empty before the preparation.
    pub(super) fn token(&self, member: usize) -> &str {
        self.tokens.get().and_then(|tokens| tokens.get(member)).map_or("", String::as_str)
    }

    /// Where the chat is, after the preparation.
    pub(super) fn target(&self) -> Option<&Target> {
        self.target.get()
    }

    /// Counts what is no broken promise.
    pub(super) fn note(&self, seen: Seen) {
        self.counts[seen as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A connection is back after this time, and has caught up.
    pub(super) fn is_back(&self, after: Duration) {
        self.counts[Seen::AwayMillisecond as usize].fetch_add(after.as_millis() as u64, Ordering::Relaxed);
        if after > BACK_WITHIN {
            self.note(Seen::BackLate);
        }
    }

    /// Counts a broken promise.
    pub(super) fn broken(&self, seen: Seen, story: impl FnOnce() -> String) {
        if self.counts[seen as usize].fetch_add(1, Ordering::Relaxed) < EXAMPLES as u64 {
            let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
            if examples.len() < EXAMPLES {
                examples.push(story());
            }
        }
    }

    /// Adds what was counted to a verdict.
    pub(super) fn add_to(&self, verdict: &mut LedgerVerdict) {
        for (count, (name, is_breach)) in self.counts.iter().zip(COUNTED) {
            let count = count.load(Ordering::Relaxed);
            if is_breach {
                verdict.breach(name, count);
            } else {
                verdict.note(name, count);
            }
        }
        let examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        examples.iter().for_each(|story| verdict.example(|| story.clone()));
        verdict.not_asked(u64::from(self.log.is_torn()));
    }

    /// A message was acknowledged.
    pub(super) fn acknowledged(&self, Acknowledged { key, position }: Acknowledged) {
        let MessageKey { fork, room, member, number } = key;
        self.log.write(format_args!("a {room} {fork} {member} {number} {position}"));
    }

    /// A connection of a room has ended, or goes on elsewhere in the log.
    pub(super) fn has_read(&self, room: usize, reading: &Reading) {
        if !reading.is_empty() {
            self.log.write(format_args!("r {room} {reading}"));
        }
    }

    /// What the log has of each room. An unreadable line is skipped; a torn log makes the check incomplete.
    pub(super) fn rooms(&self) -> io::Result<BTreeMap<usize, RoomLog>> {
        let mut rooms: BTreeMap<usize, RoomLog> = BTreeMap::new();
        for line in self.log.lines()? {
            let line = line?;
            let Some((room, entry)) = parse(&line) else { continue };
            let room = rooms.entry(room).or_default();
            match entry {
                Entry::Acknowledged(acknowledged) => room.acknowledged.push(acknowledged),
                Entry::Reading(reading) => room.readings.push(reading),
            }
        }
        Ok(rooms)
    }
}

/// A line of the log.
enum Entry {
    Acknowledged(Acknowledged),
    Reading(Reading),
}

fn parse(line: &str) -> Option<(usize, Entry)> {
    let (tag, rest) = line.split_once(' ')?;
    let (room, rest) = rest.split_once(' ')?;
    let room: u16 = room.parse().ok()?;
    let entry = match tag {
        "a" => {
            let mut words = rest.split(' ');
            let fork = words.next()?.parse().ok()?;
            let (member, number) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let key = MessageKey { fork, room, member, number };
            Entry::Acknowledged(Acknowledged { key, position: Position::parse(words.next()?)? })
        }
        "r" => Entry::Reading(Reading::parse(rest)?),
        _ => return None,
    };
    Some((room.into(), entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_a_room_is_read_as_it_was_written() {
        let ledger = LedgerState::new().unwrap();
        let key = MessageKey { fork: 2, room: 7, member: 3, number: 40 };
        let acknowledged = Acknowledged { key, position: Position { epoch: 5, sequence: 6 } };
        let mut reading = Reading::after(Position { epoch: 5, sequence: 0 });
        ledger.has_read(7, &reading);
        reading.record(2, 9);
        ledger.acknowledged(acknowledged);
        ledger.has_read(7, &reading);
        let expected = RoomLog { acknowledged: vec![acknowledged], readings: vec![reading] };
        assert_eq!(ledger.rooms().unwrap(), BTreeMap::from([(7, expected)]), "what is empty is left out");
    }

    #[test]
    fn what_was_counted_is_in_the_verdict_with_a_few_examples() {
        let ledger = LedgerState::new().unwrap();
        (0..20).for_each(|nth| ledger.broken(Seen::Doubled, || format!("record {nth}")));
        ledger.note(Seen::Reconnect);
        for ms in [10, 3_001] {
            ledger.is_back(Duration::from_millis(ms));
        }
        let mut verdict = LedgerVerdict { complete: true, ..LedgerVerdict::default() };
        ledger.add_to(&mut verdict);
        let counted = [facts::DELIVERIES_DOUBLED, facts::RECONNECTS, facts::AWAY_MS, facts::BACK_LATE];
        assert_eq!(counted.map(|name| verdict.count(name)), [20, 1, 3_011, 1]);
        assert_eq!(verdict.examples.len(), EXAMPLES);
        assert!(verdict.is_broken() && verdict.complete);
    }
}
