//! What one connection has read of its room's log: every record, once and in order.
//!
//! No record is kept. The digests of those that came are added up, so that the check after the load can compare the sum with
//! that of the history: a sum of numbers that each follow from the sequence and from what the record says.

use std::{fmt, ops::RangeInclusive};

use super::frames::Position;

/// The most gaps that are remembered, in case that what lacks comes late; it is a server in disorder that has more.
const MOST_GAPS: usize = 64;

/// A stretch of a log that one connection has read, reconnects included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) epoch: u64,
    /// It has read what follows this record
    from: u64,
    /// up to this one,
    to: u64,
    /// but for these.
    gaps: Vec<RangeInclusive<u64>>,
    /// The sum of the digests of what it has read.
    sum: u64,
    /// Whether something arrived that was wrong by itself, so that the sum says nothing more.
    is_spoilt: bool,
}

/// How a record arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is the next one, or one after a gap.
    New,
    /// It is one that a later one overtook.
    Late,
    /// It had arrived before.
    Doubled,
}

impl Reading {
    /// Nothing yet; what comes after this position follows.
    pub(super) fn after(position: Position) -> Self {
        let Position { epoch, sequence } = position;
        Self { epoch, from: sequence, to: sequence, ..Self::default() }
    }

    /// Up to where it has read.
    pub(super) fn position(&self) -> Position {
        Position { epoch: self.epoch, sequence: self.to }
    }

    /// Whether nothing was read.
    pub(super) fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// Whether it began with the log.
    pub(super) fn is_from_the_beginning(&self) -> bool {
        self.from == 0
    }

    /// A record has arrived.
    pub(super) fn record(&mut self, sequence: u64, digest: u64) -> Arrival {
        let arrival = if sequence > self.to {
            self.skip_to(sequence - 1);
            self.to = sequence;
            Arrival::New
        } else if self.fill(sequence) {
            Arrival::Late
        } else {
            return Arrival::Doubled;
        };
        self.sum = self.sum.wrapping_add(digest);
        arrival
    }

    /// The server goes on after this position of the same log: what lies between will not come.
    pub(super) fn skip_to(&mut self, sequence: u64) {
        if sequence > self.to {
            if self.gaps.len() == MOST_GAPS {
                // Two gaps are one with what came between them, which is too much in the sum then.
                let first = self.gaps.remove(0);
                self.gaps[0] = *first.start()..=*self.gaps[0].end();
                self.is_spoilt = true;
            }
            self.gaps.push(self.to + 1..=sequence);
            self.to = sequence;
        }
    }

    /// The sum says nothing any more.
    pub(super) fn spoil(&mut self) {
        self.is_spoilt = true;
    }

    /// Whether a record was read.
    pub(super) fn has(&self, sequence: u64) -> bool {
        sequence > self.from && sequence <= self.to && !self.gaps.iter().any(|gap| gap.contains(&sequence))
    }

    /// The records that it lacks.
    pub(super) fn gaps(&self) -> &[RangeInclusive<u64>] {
        &self.gaps
    }

    /// The bounds of what it has read: after which record, and up to which.
    pub(super) fn bounds(&self) -> (u64, u64) {
        (self.from, self.to)
    }

    /// The sum of the digests of what it has read; `None` if that says nothing.
    pub(super) fn sum(&self) -> Option<u64> {
        (!self.is_spoilt).then_some(self.sum)
    }

    /// Takes a record out of the gaps; `false` if it is in none.
    fn fill(&mut self, sequence: u64) -> bool {
        let Some(at) = self.gaps.iter().position(|gap| gap.contains(&sequence)) else { return false };
        let gap = self.gaps.remove(at);
        let parts = [*gap.start()..=sequence - 1, sequence + 1..=*gap.end()];
        for part in parts.into_iter().rev().filter(|part| !part.is_empty()) {
            self.gaps.insert(at, part);
        }
        true
    }

    /// Reads a line of [`Display`](fmt::Display).
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut number = || words.next()?.parse::<u64>().ok();
        let (epoch, from, to, sum, spoilt) = (number()?, number()?, number()?, number()?, number()?);
        let gap = |word: &str| {
            let (first, last) = word.split_once('-')?;
            Some(first.parse().ok()?..=last.parse().ok()?)
        };
        let gaps = words.map(gap).collect::<Option<Vec<_>>>()?;
        Some(Self { epoch, from, to, gaps, sum, is_spoilt: spoilt != 0 })
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {} {}", self.epoch, self.from, self.to, self.sum, u8::from(self.is_spoilt))?;
        self.gaps.iter().try_for_each(|gap| write!(f, " {}-{}", gap.start(), gap.end()))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Arrival::{Doubled, Late, New},
        *,
    };

    fn after(sequence: u64) -> Reading {
        Reading::after(Position { epoch: 7, sequence })
    }

    fn arrivals(reading: &mut Reading, sequences: &[u64]) -> Vec<Arrival> {
        sequences.iter().map(|sequence| reading.record(*sequence, *sequence)).collect()
    }

    #[test]
    fn what_comes_once_and_in_order_is_new() {
        let mut reading = after(4);
        assert!(reading.is_empty() && !reading.is_from_the_beginning());
        assert_eq!(arrivals(&mut reading, &[5, 6, 7]), [Arrival::New; 3]);
        assert_eq!((reading.position().sequence, reading.sum(), reading.gaps().len()), (7, Some(18), 0));
        assert!(!reading.has(4) && reading.has(5) && reading.has(7) && !reading.has(8));
    }

    #[test]
    fn what_is_overtaken_is_late_and_what_comes_again_is_doubled() {
        let mut reading = after(0);
        let arrived = arrivals(&mut reading, &[1, 5, 3, 3, 2, 4, 5, 1]);
        assert_eq!(arrived, [New, New, Late, Doubled, Late, Late, Doubled, Doubled]);
        assert_eq!((reading.gaps().len(), reading.sum()), (0, Some(15)), "each is in the sum once");
    }

    #[test]
    fn what_never_comes_is_a_gap() {
        let mut reading = after(0);
        arrivals(&mut reading, &[1, 4]);
        reading.skip_to(6);
        assert_eq!(reading.gaps(), [2..=3, 5..=6]);
        assert!(!reading.has(2) && reading.has(4) && !reading.has(6));
        reading.skip_to(2);
        assert_eq!(reading.position().sequence, 6, "a server that goes back repeats itself");
        assert_eq!(reading.record(3, 3), Arrival::Late);
        assert_eq!(reading.gaps(), [2..=2, 5..=6]);
    }

    #[test]
    fn the_gaps_of_a_server_in_disorder_take_a_bounded_memory() {
        let mut reading = after(0);
        for sequence in (2..=400).step_by(2) {
            reading.record(sequence, 1);
        }
        assert_eq!((reading.gaps().len(), reading.sum()), (MOST_GAPS, None));
        let lacking: u64 = reading.gaps().iter().map(|gap| gap.end() - gap.start() + 1).sum();
        assert!(lacking >= 200, "{lacking}");
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let mut reading = after(3);
        arrivals(&mut reading, &[4, 7, 9]);
        assert_eq!(Reading::parse(&reading.to_string()), Some(reading.clone()));
        reading.spoil();
        assert_eq!(Reading::parse(&reading.to_string()), Some(reading));
        for line in ["", "1 2 3 4", "1 2 3 4 0 5", "1 2 x 4 0"] {
            assert_eq!(Reading::parse(line), None, "{line}");
        }
    }
}
