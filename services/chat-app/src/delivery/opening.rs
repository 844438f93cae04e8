//! What a client that comes, or comes back, gets.
//!
//! The order matters. First the end of the log is read, then whether the user is a member, and then the records after the
//! client's position, which is not behind that end. A removal that the second step has missed is behind the end, so that the
//! client receives it in its turn, and nothing after it.

use chat::{Attached, Framed, MessageError, Position, RoomId};
use runtime::live::{Close, Utf8Bytes};

use super::{Connection, Hub, frames, frames::closes};
use crate::axes::Recovery;

/// The most records that a client that comes back gets on its socket, and the most bytes: half of its queue.
const MOST_RECORDS: usize = 500;
const MOST_BYTES: usize = 128 * 1_024;
/// How often a client that comes to a lively room reads from its log before it is sent away.
const ROUNDS: usize = 16;

/// From where a client reads, before it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The room.
    pub room: RoomId,
    /// Where its log ended before anything else was read.
    end: Position,
    /// What the client has, as it says.
    after: Option<Position>,
}

/// Why a client gets no records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is closed with this code.
    Close(Close),
    /// It has ended meanwhile.
    Gone,
}

impl From<MessageError> for Refused {
    fn from(_: MessageError) -> Self {
        Self::Close(closes::LATER)
    }
}

impl Hub {
    /// The first step: where the log ends.
    pub async fn begin(&self, room: RoomId, after: Option<Position>) -> Result<Opening, MessageError> {
        // What this process knows of the end spares a read of the log, unless the client claims to have more.
        let known = self.room(room).and_then(|room| {
            let feed = room.feed();
            (feed.readers() > 0 && feed.wants().is_none()).then(|| feed.position())
        });
        let known = known.filter(|end| after.is_none_or(|after| fault(after, *end).is_none()));
        let end = match known {
            Some(end) => end,
            None => self.end(room).await?,
        };
        Ok(Opening { room, end, after })
    }

    /// The last step: sends what the client lacks, and attaches it.
    pub async fn open(&self, opening: Opening, connection: Connection) -> Result<(), Refused> {
        let opened = self.recover(opening, connection).await;
        let by = match &opened {
            Err(_) => "refused",
            Ok(_) if self.0.recovery == Recovery::None => "none",
            Ok(reads) if *reads > 0 => "history",
            Ok(_) if opening.after == Some(opening.end) => "current",
            Ok(_) => "window",
        };
        if opening.after.is_some() {
            self.0.metrics.recovered(by);
        }
        opened.map(|_| ())
    }

    /// Returns how often the log was read.
    async fn recover(&self, opening: Opening, connection: Connection) -> Result<usize, Refused> {
        let from = self.from(opening)?;
        connection.sender.send(frames::ready(from)).map_err(|_| Refused::Gone)?;
        let lacks_some = from.epoch == opening.end.epoch && from.sequence < opening.end.sequence;
        let reads_first = lacks_some && self.0.recovery == Recovery::History;
        let mut has = from;
        for reads in usize::from(reads_first)..ROUNDS {
            if reads > 0 {
                has = self.send_from_log(opening.room, has, &connection).await?;
            }
            // A new feed starts at the end of the log: what this client missed is read for this client only.
            let start = if reads == 0 { opening.end } else { has };
            let room = self.room_at(opening.room, start);
            let attached = {
                let mut feed = room.feed();
                let attached = feed.attach(connection.clone(), has);
                if matches!(attached, Attached::Live) {
                    // A feed without connections does not read what the transport lost.
                    feed.ends_at(opening.end);
                }
                attached
            };
            match attached {
                Attached::Live => {
                    self.catch_up_if_wanted(&room);
                    return Ok(reads);
                }
                Attached::Behind => {}
                Attached::Gone => return Err(Refused::Gone),
                Attached::OtherEpoch(_) => {
                    self.look_again(vec![room]);
                    return Err(Refused::Close(closes::LATER));
                }
            }
        }
        Err(Refused::Close(closes::LATER))
    }

    /// Sends what the log has after a position; returns the position behind it.
    async fn send_from_log(
        &self,
        room: RoomId,
        has: Position,
        connection: &Connection,
    ) -> Result<Position, Refused> {
        self.0.metrics.history_read("recovery");
        let (end, records) = self.read(room, has.sequence).await?;
        check(has, end, &records)?;
        if records.iter().all(|framed| framed.give(connection)) { Ok(end) } else { Err(Refused::Gone) }
    }

    async fn end(&self, room: RoomId) -> Result<Position, MessageError> {
        let ends = self.ends(vec![room]).await?;
        ends.first()
            .copied()
            .ok_or_else(|| contract::Unavailable::new("messages", contract::Why::Misunderstood).into())
    }

    /// From where the client reads, if its position is one of this log.
    fn from(&self, opening: Opening) -> Result<Position, Refused> {
        match opening.after {
            Some(after) if self.0.recovery != Recovery::None => {
                fault(after, opening.end).map_or(Ok(after), |close| Err(Refused::Close(close)))
            }
            _ => Ok(opening.end),
        }
    }
}

/// Why a position is none of a log that ends there.
fn fault(after: Position, end: Position) -> Option<Close> {
    if after.epoch != end.epoch {
        return Some(closes::OTHER_EPOCH);
    }
    (after.sequence > end.sequence).then_some(closes::FUTURE)
}

/// Whether records are all that a client lacks, so that it gets all of them or none.
fn check(has: Position, end: Position, records: &[Framed<Utf8Bytes>]) -> Result<(), Refused> {
    if end.epoch != has.epoch {
        return Err(Refused::Close(closes::OTHER_EPOCH));
    }
    let last = records.last().map_or(has.sequence, |framed| framed.record.position.sequence);
    let bytes: usize = records.iter().map(|framed| framed.frame.len()).sum();
    let is_whole = last >= end.sequence && records.len() <= MOST_RECORDS && bytes <= MOST_BYTES;
    if is_whole { Ok(()) } else { Err(Refused::Close(closes::TOO_FAR)) }
}
