//! What is wrong with one room: pure, so that every wrong log can be tried.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry as Place};

use super::{
    crowd::{Crowd, Entry, MessageKey, What},
    facts,
    frames::Position,
    ledger_state::Acknowledged,
    reading::Reading,
};
use crate::ledger::LedgerVerdict;

/// What a check knows of one room.
#[derive(Clone, Debug, Default)]
pub(super) struct RoomEvidence {
    pub(super) room: usize,
    pub(super) acknowledged: Vec<Acknowledged>,
    /// What connections have read, each a stretch of the log.
    pub(super) readings: Vec<Reading>,
    /// Up to where those have read who are connected and had time to read everything.
    pub(super) attached: Vec<Position>,
    /// The history, in the order in which it came.
    pub(super) entries: Vec<Entry>,
    /// Where the log ends.
    pub(super) end: Position,
}

/// A verdict in which every fact is zero.
pub(super) fn nothing_found() -> LedgerVerdict {
    let mut verdict = LedgerVerdict { complete: true, ..LedgerVerdict::default() };
    for fact in facts::ALL {
        if fact.breaks.is_some() {
            verdict.breach(fact.name, 0);
        } else {
            verdict.note(fact.name, 0);
        }
    }
    verdict
}

/// Compares everything that is known of a room.
pub(super) fn judge(crowd: &Crowd, evidence: &RoomEvidence, verdict: &mut LedgerVerdict) {
    let name = || format!("room {}", crowd.room_id(evidence.room));
    verdict.note(facts::CHECKED, evidence.entries.len() as u64);
    let places = history(evidence, &name, verdict);
    let acknowledged = acknowledgements(evidence, &places, (crowd, &name), verdict);
    let sums = Sums::of(&evidence.entries);
    for reading in &evidence.readings {
        delivered(reading, (&sums, evidence.end), &name, verdict);
    }
    tail(evidence, &acknowledged, &name, verdict);
}

/// Judges the history by itself: without holes, each message once, and as it was sent. Returns where each message is.
fn history(
    evidence: &RoomEvidence,
    name: &impl Fn() -> String,
    verdict: &mut LedgerVerdict,
) -> BTreeMap<MessageKey, Vec<u64>> {
    let mut places: BTreeMap<MessageKey, Vec<u64>> = BTreeMap::new();
    let mut last = 0;
    for entry in &evidence.entries {
        let sequence = entry.sequence;
        if sequence != last + 1 {
            verdict.broken(facts::WRONG, || format!("{}: record {sequence} follows record {last}", name()));
        }
        last = sequence;
        match entry.what {
            What::Message(key) => match places.entry(key) {
                Place::Vacant(place) => {
                    place.insert(vec![sequence]);
                }
                Place::Occupied(mut place) => {
                    let first = place.get()[0];
                    place.get_mut().push(sequence);
                    verdict.broken(facts::MESSAGES_DOUBLED, || {
                        format!("{}: records {first} and {sequence} are one message", name())
                    });
                }
            },
            What::Removed(_) => {}
            What::Unknown => verdict
                .broken(facts::WRONG, || format!("{}: record {sequence} is not what anybody sent", name())),
        }
    }
    if last != evidence.end.sequence {
        let end = evidence.end.sequence;
        verdict.broken(facts::WRONG, || format!("{}: it ends with record {last} and says {end}", name()));
    }
    places
}

/// Judges acknowledgements: each message is where it was acknowledged. Returns the places.
fn acknowledgements(
    evidence: &RoomEvidence,
    places: &BTreeMap<MessageKey, Vec<u64>>,
    (crowd, name): (&Crowd, &impl Fn() -> String),
    verdict: &mut LedgerVerdict,
) -> BTreeSet<u64> {
    let mut known: BTreeMap<MessageKey, Position> = BTreeMap::new();
    for Acknowledged { key, position } in &evidence.acknowledged {
        let first = *known.entry(*key).or_insert(*position);
        if first != *position {
            verdict.broken(facts::WRONG, || {
                format!("{}: {} was acknowledged at {first} and at {position}", name(), crowd.id(*key))
            });
        }
    }
    verdict.note(facts::ACKNOWLEDGED, known.len() as u64);
    let mut acknowledged = BTreeSet::new();
    for (key, position) in known {
        let is_there =
            |at: &Vec<u64>| position.epoch == evidence.end.epoch && at.contains(&position.sequence);
        match places.get(&key) {
            None => verdict.broken(facts::MESSAGES_LOST, || {
                format!("{}: {} was acknowledged at {position} and is gone", name(), crowd.id(key))
            }),
            Some(at) if is_there(at) => {
                acknowledged.insert(position.sequence);
            }
            Some(at) => verdict.broken(facts::WRONG, || {
                format!("{}: {} was acknowledged at {position} and is at {at:?}", name(), crowd.id(key))
            }),
        }
    }
    acknowledged
}

/// Judges what one connection has read: it is what the history has, without holes.
fn delivered(
    reading: &Reading,
    (sums, end): (&Sums, Position),
    name: &impl Fn() -> String,
    verdict: &mut LedgerVerdict,
) {
    let (from, to) = reading.bounds();
    if reading.epoch != end.epoch {
        if to > from {
            verdict.breach(facts::DELIVERIES_UNKNOWN, to - from);
            verdict.example(|| {
                format!("{}: records {from} to {to} were of the log {}, which is gone", name(), reading.epoch)
            });
        }
        return;
    }
    let beyond = to.saturating_sub(end.sequence.max(from));
    if beyond > 0 {
        verdict.breach(facts::DELIVERIES_UNKNOWN, beyond);
        verdict
            .example(|| format!("{}: record {to} was delivered, and it ends with {}", name(), end.sequence));
    }
    let mut expected = sums.between(from, to);
    for gap in reading.gaps() {
        let (before, last) = (gap.start() - 1, *gap.end());
        let missing = sums.count(before, last);
        verdict.breach(facts::DELIVERIES_MISSING, missing);
        if missing > 0 {
            let first = gap.start();
            verdict.example(|| {
                format!("{}: somebody lacks records {first} to {last} of those up to {to}", name())
            });
        }
        expected = expected.wrapping_sub(sums.between(before, last));
    }
    if beyond == 0 && reading.sum().is_some_and(|sum| sum != expected) {
        verdict.broken(facts::DELIVERIES_UNKNOWN, || {
            format!("{}: the records after {from} up to {to} were delivered otherwise", name())
        });
    }
}

/// Judges the end: who is connected has everything. What was acknowledged and is lacking is lost, and what was not is missing.
fn tail(
    evidence: &RoomEvidence,
    acknowledged: &BTreeSet<u64>,
    name: &impl Fn() -> String,
    verdict: &mut LedgerVerdict,
) {
    let same_log = |position: &&Position| position.epoch == evidence.end.epoch;
    let lowest = evidence.attached.iter().filter(same_log).map(|position| position.sequence).min();
    let Some(lowest) = lowest.filter(|lowest| *lowest < evidence.end.sequence) else { return };
    for sequence in evidence.entries.iter().map(|entry| entry.sequence).filter(|sequence| *sequence > lowest)
    {
        let is_acknowledged = acknowledged.contains(&sequence);
        let fact = if is_acknowledged { facts::MESSAGES_LOST } else { facts::DELIVERIES_MISSING };
        verdict.broken(fact, || {
            format!("{}: record {sequence} did not arrive at somebody who is connected", name())
        });
    }
}

/// The sums of digests of a history, so that those of any stretch are a difference.
struct Sums {
    /// Each sequence with the sum up to it, in order.
    up_to: Vec<(u64, u64)>,
}

impl Sums {
    fn of(entries: &[Entry]) -> Self {
        let mut sorted: Vec<(u64, u64)> =
            entries.iter().map(|entry| (entry.sequence, entry.digest)).collect();
        sorted.sort_unstable();
        let mut sum = 0_u64;
        let up_to = sorted.into_iter().map(|(sequence, digest)| {
            sum = sum.wrapping_add(digest);
            (sequence, sum)
        });
        Self { up_to: up_to.collect() }
    }

    /// How many records there are up to one, this included.
    fn rank(&self, sequence: u64) -> usize {
        self.up_to.partition_point(|(at, _)| *at <= sequence)
    }

    /// How many records there are after one up to another.
    fn count(&self, after: u64, up_to: u64) -> u64 {
        self.rank(up_to).saturating_sub(self.rank(after)) as u64
    }

    /// The sum of the records after one up to another.
    fn between(&self, after: u64, up_to: u64) -> u64 {
        let sum = |rank: usize| rank.checked_sub(1).map_or(0, |last| self.up_to[last].1);
        sum(self.rank(up_to)).wrapping_sub(sum(self.rank(after)))
    }
}

#[cfg(test)]
mod tests;
