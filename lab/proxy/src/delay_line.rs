//! The delay line: what one direction of a connection has read and not yet written, in order, with a limit.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use tokio::time::Instant;

/// What a piece counts beside its bytes: about the memory of its entry. So a peer that sends single bytes is limited as
/// well.
pub(crate) const PIECE_COST: usize = 64;

/// A piece of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Bytes, at least one.
    Data(Bytes),
    /// The end of the stream.
    Fin,
    /// The sender has reset the connection.
    Reset,
}

/// A queue of pieces, each with the time at which it is due.
///
/// Invariants: pieces leave in the order in which they came, each no earlier than the one before it; together they cost
/// at most the capacity and one piece.
#[derive(Debug)]
pub(crate) struct DelayLine {
    pieces: VecDeque<(Instant, Piece)>,
    bytes: usize,
    capacity: usize,
}

impl DelayLine {
    /// An empty line for so many bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { pieces: VecDeque::new(), bytes: 0, capacity }
    }

    /// The bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The most bytes that the next piece may have; with none, nothing may be read.
    pub(crate) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.bytes + self.pieces.len() * PIECE_COST)
    }

    /// Adds a piece behind the others; it is due no earlier than they are.
    pub(crate) fn push(&mut self, piece: Piece, due: Instant) {
        if let Piece::Data(bytes) = &piece {
            self.bytes += bytes.len();
        }
        let due = self.pieces.back().map_or(due, |(before, _)| due.max(*before));
        self.pieces.push_back((due, piece));
    }

    /// The piece in front, and when it is due.
    pub(crate) fn front(&self) -> Option<(Instant, &Piece)> {
        self.pieces.front().map(|(due, piece)| (*due, piece))
    }

    /// Takes bytes off the piece in front, which has at least so many.
    pub(crate) fn advance(&mut self, count: usize) {
        let Some((_, Piece::Data(bytes))) = self.pieces.front_mut() else { return };
        bytes.advance(count);
        self.bytes -= count;
        if bytes.is_empty() {
            self.pieces.pop_front();
        }
    }

    /// Makes everything due: the delay for which it was held is over.
    pub(crate) fn release(&mut self, now: Instant) {
        for (due, _) in &mut self.pieces {
            *due = now.min(*due);
        }
    }

    /// Removes everything, and returns how many bytes that was.
    pub(crate) fn clear(&mut self) -> usize {
        self.pieces.clear();
        std::mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// What happens to a line: a piece is read, or time passes and what is due is written in parts.
    #[derive(Clone, Copy, Debug)]
    enum Event {
        Read { len: usize, delay_ms: u64 },
        Write { after_ms: u64, at_once: usize },
        Release,
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            4 => (1_usize..400, 0_u64..50).prop_map(|(len, delay_ms)| Event::Read { len, delay_ms }),
            3 => (0_u64..40, 1_usize..300).prop_map(|(after_ms, at_once)| Event::Write { after_ms, at_once }),
            1 => Just(Event::Release),
        ]
    }

    const CAPACITY: usize = 2000;

    /// A line, and what a reader of its output can check.
    struct Watched {
        line: DelayLine,
        now: Instant,
        sent: Vec<u8>,
        /// For each byte that was sent, the time before which it must not arrive.
        not_before: Vec<Instant>,
        arrived: Vec<u8>,
    }

    impl Watched {
        fn new() -> Self {
            let line = DelayLine::new(CAPACITY);
            Self { line, now: Instant::now(), sent: vec![], not_before: vec![], arrived: vec![] }
        }

        fn read(&mut self, len: usize, delay_ms: u64) {
            let len = len.min(self.line.room());
            if len == 0 {
                return;
            }
            let due = self.now + Duration::from_millis(delay_ms);
            let bytes: Vec<_> = (0..len).map(|index| (self.sent.len() + index) as u8).collect();
            self.sent.extend(&bytes);
            self.not_before.extend(std::iter::repeat_n(due, len));
            self.line.push(Piece::Data(bytes.into()), due);
        }

        fn write(&mut self, at_once: usize) {
            while let Some((due, Piece::Data(bytes))) = self.line.front() {
                if due > self.now {
                    break;
                }
                let part = bytes.len().min(at_once);
                self.arrived.extend(&bytes[..part]);
                self.line.advance(part);
            }
        }

        fn check(&self) {
            let arrived = self.arrived.len();
            assert_eq!(self.arrived, self.sent[..arrived], "in order and without a gap");
            assert!(self.not_before[..arrived].iter().all(|&due| due <= self.now), "not before its time");
            assert_eq!(self.line.bytes(), self.sent.len() - arrived);
            assert!(self.line.bytes() <= CAPACITY);
        }
    }

    proptest! {
        #[test]
        fn bytes_arrive_in_order_whole_within_the_limit_and_not_before_their_time(
            events in prop::collection::vec(event(), 1..200)
        ) {
            let mut watched = Watched::new();
            for event in events {
                match event {
                    Event::Read { len, delay_ms } => watched.read(len, delay_ms),
                    Event::Write { after_ms, at_once } => {
                        watched.now += Duration::from_millis(after_ms);
                        watched.write(at_once);
                    }
                    Event::Release => {
                        watched.line.release(watched.now);
                        watched.not_before.fill(watched.now);
                    }
                }
                watched.check();
            }
            watched.now += Duration::from_millis(50);
            watched.write(usize::MAX);
            watched.check();
            prop_assert_eq!(watched.arrived.len(), watched.sent.len(), "everything arrives");
        }
    }

    #[test]
    fn a_short_delay_does_not_overtake_a_long_one() {
        let now = Instant::now();
        let mut line = DelayLine::new(CAPACITY);
        line.push(Piece::Data(Bytes::from_static(b"a")), now + Duration::from_millis(90));
        line.push(Piece::Fin, now + Duration::from_millis(10));
        line.advance(1);
        assert_eq!(line.front(), Some((now + Duration::from_millis(90), &Piece::Fin)));
    }

    #[test]
    fn single_bytes_fill_a_line_by_the_memory_that_they_take() {
        let mut line = DelayLine::new(CAPACITY);
        let mut pieces = 0;
        while line.room() > 0 {
            line.push(Piece::Data(Bytes::from_static(b"x")), Instant::now());
            pieces += 1;
        }
        assert_eq!(pieces, CAPACITY.div_ceil(PIECE_COST + 1));
        assert_eq!(line.clear(), pieces);
        assert_eq!(line.room(), CAPACITY);
    }
}
