//! The logic of the component `messages`.

use std::sync::Arc;

use async_trait::async_trait;
use contract::Clock;

use crate::{
    Appended, Content, EndedMembership, Entry, Epoch, History, HistoryQuery, MAX_RECORDS, MAX_ROOMS_AT_ONCE,
    MemberOf, MessageError, MessageStore, Messages, NewMessage, Position, Positions, ReadMarker, Record,
    RecordKey, RecordSender, RoomId, RoomIds, Sent, Sequence,
};

/// What comes first: the store, or the members?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOrder {
    /// A record is stored, and then delivered and acknowledged.
    StoreThenDeliver,
    /// A number is taken, the record delivered under it, and then stored: a negative control. A process that is killed in
    /// between has shown a message that no history has.
    DeliverThenStore,
}

/// Keeps the log of each room.
pub struct MessageService {
    store: Arc<dyn MessageStore>,
    sender: Arc<dyn RecordSender>,
    clock: Arc<dyn Clock>,
    order: WriteOrder,
    /// An epoch that no other log has.
    new_epoch: fn() -> Epoch,
}

impl MessageService {
    /// Creates the service on a store; `new_epoch` makes the epochs of new logs.
    pub fn new(
        store: Arc<dyn MessageStore>,
        sender: Arc<dyn RecordSender>,
        clock: Arc<dyn Clock>,
        order: WriteOrder,
        new_epoch: fn() -> Epoch,
    ) -> Self {
        Self { store, sender, clock, order, new_epoch }
    }

    async fn write(&self, entry: Entry) -> Result<(Sent, Content), MessageError> {
        let (appended, is_delivered) = match self.order {
            WriteOrder::StoreThenDeliver => (self.store.append(&entry).await?, false),
            WriteOrder::DeliverThenStore => self.deliver_then_store(&entry).await?,
        };
        match appended {
            Appended::New(position) => {
                let Entry { room, content, at, .. } = entry;
                let record = Record { room, position, at, content };
                if !is_delivered {
                    self.deliver(&record).await;
                }
                Ok((Sent { position, at }, record.content))
            }
            Appended::Known(Record { position, at, content, .. }) => Ok((Sent { position, at }, content)),
            Appended::Ended => Err(MessageError::NotAMember { user: entry.key.user }),
        }
    }

    async fn deliver_then_store(&self, entry: &Entry) -> Result<(Appended, bool), MessageError> {
        if let Some(known) = self.store.by_key(entry.room, &entry.key).await? {
            return Ok((Appended::Known(known), true));
        }
        let position = self.store.reserve(entry.room, entry.epoch).await?;
        let Entry { room, content, at, .. } = entry.clone();
        self.deliver(&Record { room, position, at, content }).await;
        Ok((self.store.put(entry, position).await?, true))
    }

    /// Whoever does not hear of it now finds it in the log.
    async fn deliver(&self, record: &Record) {
        let _ = self.sender.send(record).await;
    }
}

#[async_trait]
impl Messages for MessageService {
    async fn send(&self, message: NewMessage) -> Result<Sent, MessageError> {
        let NewMessage { room, sender, term, id, text } = message;
        let entry = Entry {
            room,
            epoch: (self.new_epoch)(),
            key: RecordKey { user: sender.clone(), what: format!("m{:032x}", id.0) },
            term: Some(term),
            content: Content::Message { sender, id, text },
            at: self.clock.now(),
        };
        let wanted = entry.content.clone();
        let (sent, content) = self.write(entry).await?;
        if content == wanted { Ok(sent) } else { Err(MessageError::OtherText { id }) }
    }

    async fn end_membership(&self, ended: EndedMembership) -> Result<Sent, MessageError> {
        let EndedMembership { room, user, term } = ended;
        let entry = Entry {
            room,
            epoch: (self.new_epoch)(),
            key: RecordKey { user: user.clone(), what: format!("r{}", term.0) },
            term: None,
            content: Content::Removed { user, term },
            at: self.clock.now(),
        };
        self.write(entry).await.map(|(sent, _)| sent)
    }

    async fn history(&self, query: HistoryQuery) -> Result<History, MessageError> {
        let limit = query.limit.min(MAX_RECORDS);
        Ok(self.store.history(&HistoryQuery { limit, ..query }, (self.new_epoch)()).await?)
    }

    async fn positions(&self, RoomIds(rooms): RoomIds) -> Result<Positions, MessageError> {
        if rooms.len() > MAX_ROOMS_AT_ONCE {
            return Err(MessageError::TooManyRooms);
        }
        let rooms: Vec<_> = rooms.into_iter().map(|room| (room, (self.new_epoch)())).collect();
        Ok(Positions(self.store.positions(&rooms).await?))
    }

    async fn mark_read(&self, marker: ReadMarker) -> Result<ReadMarker, MessageError> {
        let end = self.end(marker.room).await?.sequence;
        if marker.sequence > end {
            return Err(MessageError::NotWritten { end });
        }
        Ok(self.store.mark(&marker).await?)
    }

    async fn read_marker(&self, of: MemberOf) -> Result<ReadMarker, MessageError> {
        let sequence = self.store.marker(&of).await?.unwrap_or(Sequence(0));
        Ok(ReadMarker { room: of.room, user: of.user, sequence })
    }
}

impl MessageService {
    async fn end(&self, room: RoomId) -> Result<Position, MessageError> {
        let positions = self.store.positions(&[(room, (self.new_epoch)())]).await?;
        positions
            .first()
            .copied()
            .ok_or_else(|| contract::Unavailable::new("database", contract::Why::Misunderstood).into())
    }
}
