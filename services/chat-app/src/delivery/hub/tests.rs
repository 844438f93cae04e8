//! The rooms that a process forgets, and those that it does not.

use chat::{
    EndedMembership, Epoch, History, HistoryQuery, MemberOf, MessageError, NewMessage, Positions, ReadMarker,
    RoomIds, Sent, Sequence,
};

use super::*;

/// Logs that nobody asks for.
struct NoLogs;

#[async_trait]
impl Messages for NoLogs {
    async fn send(&self, _: NewMessage) -> Result<Sent, MessageError> {
        unreachable!()
    }

    async fn end_membership(&self, _: EndedMembership) -> Result<Sent, MessageError> {
        unreachable!()
    }

    async fn history(&self, _: HistoryQuery) -> Result<History, MessageError> {
        unreachable!()
    }

    async fn positions(&self, _: RoomIds) -> Result<Positions, MessageError> {
        unreachable!()
    }

    async fn mark_read(&self, _: ReadMarker) -> Result<ReadMarker, MessageError> {
        unreachable!()
    }

    async fn read_marker(&self, _: MemberOf) -> Result<ReadMarker, MessageError> {
        unreachable!()
    }
}

fn start() -> Position {
    Position { epoch: Epoch::new(1).unwrap(), sequence: Sequence(0) }
}

#[test]
fn rooms_without_connections_are_few_and_one_that_somebody_is_about_to_enter_stays() {
    let hub = Hub::new(Arc::new(NoLogs), Recovery::History, DeliveryMetrics::default());
    let rooms = 2 * MOST_KEPT as u128;
    for id in 0..rooms {
        hub.room_at(RoomId(id), start());
    }
    // Between `room_at` and the attaching a connection has no other hold on its room.
    let entered: Vec<_> = (0..50).map(|id| hub.room_at(RoomId(id), start())).collect();
    hub.sweep();
    assert!(entered.iter().all(|room| hub.room(room.id).is_some_and(|known| Arc::ptr_eq(&known, room))));
    let known = (0..rooms).filter(|id| hub.room(RoomId(*id)).is_some()).count();
    assert_eq!(known, MOST_KEPT + entered.len());
}
