//! The topic of the chat. The key of every event is its room's id, so that what is about one room keeps its order.

use backing::{Event, Topic};
use chat::Record;
use sha2::{Digest as _, Sha256};

use crate::remotes::proto::v1 as proto;

/// The topic `records`: what was appended to the logs of rooms. A broadcast: it reaches every process that holds connections.
#[derive(Clone, Copy, Debug)]
pub struct Records;

impl Topic for Records {
    const NAME: &'static str = "records";
    type Payload = Record;
    type Message = proto::Record;
}

/// A record as an event. Its id is the same however often the record is sent.
pub fn record(record: Record) -> Event<Record> {
    Event::new(id(&record), record.room, record)
}

/// The first 128 bits of a hash of what tells a record from all others: its room, its epoch and its sequence.
fn id(record: &Record) -> u128 {
    let hash = Sha256::new()
        .chain_update(record.room.0.to_be_bytes())
        .chain_update(record.position.epoch.get().to_be_bytes())
        .chain_update(record.position.sequence.0.to_be_bytes())
        .finalize();
    let first: [u8; 16] = std::array::from_fn(|index| hash[index]);
    u128::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chat::{Content, Epoch, Position, RoomId, Sequence, Term, User};
    use contract::Timestamp;

    use super::*;

    fn removed(room: u128, epoch: u64, sequence: u64, at_ms: u64) -> Event<Record> {
        record(Record {
            room: RoomId(room),
            position: Position { epoch: Epoch::new(epoch).unwrap(), sequence: Sequence(sequence) },
            at: Timestamp::from_millis(at_ms),
            content: Content::Removed { user: User::parse("bob").unwrap(), term: Term(1) },
        })
    }

    #[test]
    fn an_event_is_known_by_its_room_epoch_and_sequence_and_keyed_by_its_room() {
        let places = [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2), (1, 257, 1), (1, 1, 257)];
        let ids: HashSet<u128> =
            places.map(|(room, epoch, sequence)| removed(room, epoch, sequence, 0).id).into();
        assert_eq!(ids.len(), places.len());
        assert_eq!(removed(1, 1, 1, 0).id, removed(1, 1, 1, 9).id, "the same however often it is sent");
        assert_eq!(removed(1, 1, 1, 0).key, "00000000-0000-0000-0000-000000000001");
    }
}
