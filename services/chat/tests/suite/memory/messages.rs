//! The logs of rooms in memory.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use chat::{
    Appended, Content, Entry, Epoch, History, HistoryQuery, MemberOf, MessageStore, Position, ReadMarker,
    Record, RecordKey, RoomId, Sequence, Start, User,
};
use contract::Unavailable;

use super::Memory;

/// What is stored.
#[derive(Default)]
pub(super) struct MessageTables {
    logs: HashMap<RoomId, Log>,
    markers: HashMap<(RoomId, User), Sequence>,
}

/// The log of a room.
struct Log {
    epoch: Epoch,
    /// The last number that was given away.
    end: Sequence,
    records: BTreeMap<Sequence, Record>,
    keys: HashMap<RecordKey, Sequence>,
}

impl MessageTables {
    /// The log of a room, which begins with this epoch if it does not exist yet.
    fn log(&mut self, room: RoomId, epoch: Epoch) -> &mut Log {
        let empty = || Log { epoch, end: Sequence(0), records: BTreeMap::new(), keys: HashMap::new() };
        self.logs.entry(room).or_insert_with(empty)
    }
}

impl Log {
    fn position(&self) -> Position {
        Position { epoch: self.epoch, sequence: self.end }
    }

    fn take_number(&mut self) -> Position {
        self.end = self.end.next();
        self.position()
    }

    fn by_key(&self, key: &RecordKey) -> Option<Record> {
        self.keys.get(key).map(|sequence| self.records[sequence].clone())
    }

    /// What is in the way of a record: itself, or the end of its sender's membership.
    fn obstacle(&self, entry: &Entry) -> Option<Appended> {
        let is_end = |record: &Record| match (&record.content, entry.term) {
            (Content::Removed { user, term }, Some(of)) => *user == entry.key.user && *term >= of,
            _ => false,
        };
        let has_ended = || self.records.values().any(is_end).then_some(Appended::Ended);
        self.by_key(&entry.key).map(Appended::Known).or_else(has_ended)
    }

    fn store(&mut self, entry: &Entry, position: Position) -> Appended {
        let Entry { room, key, content, at, .. } = entry.clone();
        self.keys.insert(key, position.sequence);
        self.records.insert(position.sequence, Record { room, position, at, content });
        Appended::New(position)
    }

    fn read(&self, from: Start, limit: usize) -> Vec<Record> {
        let newest = |before: Sequence| {
            let mut found: Vec<_> = self.records.range(..before).rev().take(limit).collect();
            found.reverse();
            found
        };
        let found = match from {
            Start::After(after) => self.records.range(after.next()..).take(limit).collect(),
            Start::Before(before) => newest(before),
            Start::End => newest(self.end.next()),
        };
        found.into_iter().map(|(_, record)| record.clone()).collect()
    }
}

#[async_trait]
impl MessageStore for Memory {
    async fn append(&self, entry: &Entry) -> Result<Appended, Unavailable> {
        let mut tables = self.messages();
        let log = tables.log(entry.room, entry.epoch);
        if let Some(obstacle) = log.obstacle(entry) {
            return Ok(obstacle);
        }
        let position = log.take_number();
        Ok(log.store(entry, position))
    }

    async fn reserve(&self, room: RoomId, epoch: Epoch) -> Result<Position, Unavailable> {
        Ok(self.messages().log(room, epoch).take_number())
    }

    async fn put(&self, entry: &Entry, position: Position) -> Result<Appended, Unavailable> {
        let mut tables = self.messages();
        let log = tables.log(entry.room, entry.epoch);
        Ok(log.obstacle(entry).unwrap_or_else(|| log.store(entry, position)))
    }

    async fn by_key(&self, room: RoomId, key: &RecordKey) -> Result<Option<Record>, Unavailable> {
        Ok(self.messages().logs.get(&room).and_then(|log| log.by_key(key)))
    }

    async fn history(&self, query: &HistoryQuery, epoch: Epoch) -> Result<History, Unavailable> {
        let mut tables = self.messages();
        let log = tables.log(query.room, epoch);
        Ok(History { records: log.read(query.from, query.limit as usize), end: log.position() })
    }

    async fn positions(&self, rooms: &[(RoomId, Epoch)]) -> Result<Vec<Position>, Unavailable> {
        let mut tables = self.messages();
        Ok(rooms.iter().map(|(room, epoch)| tables.log(*room, *epoch).position()).collect())
    }

    async fn mark(&self, marker: &ReadMarker) -> Result<ReadMarker, Unavailable> {
        let mut tables = self.messages();
        let stored = tables.markers.entry((marker.room, marker.user.clone())).or_default();
        *stored = marker.sequence.max(*stored);
        Ok(ReadMarker { sequence: *stored, ..marker.clone() })
    }

    async fn marker(&self, of: &MemberOf) -> Result<Option<Sequence>, Unavailable> {
        Ok(self.messages().markers.get(&(of.room, of.user.clone())).copied())
    }
}
