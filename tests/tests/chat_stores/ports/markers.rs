//! Up to where users have read.

use chat::{ReadMarker, RoomId, Sequence};

use super::words::{OTHER_ROOM, ROOM, of, user};
use crate::ground::everywhere;

fn marker(room: RoomId, name: &str, sequence: u64) -> ReadMarker {
    ReadMarker { room, user: user(name), sequence: Sequence(sequence) }
}

#[tokio::test]
async fn a_marker_never_goes_back() {
    for ground in everywhere().await {
        let (messages, name) = (&ground.stores.messages, ground.name);
        assert_eq!(messages.marker(&of(ROOM, "ann")).await, Ok(None), "{name}");
        for (marked, stored) in [(0, 0), (7, 7), (3, 7), (7, 7), (8, 8)] {
            let came = messages.mark(&marker(ROOM, "ann", marked)).await;
            assert_eq!(came, Ok(marker(ROOM, "ann", stored)), "{name}");
            assert_eq!(messages.marker(&of(ROOM, "ann")).await, Ok(Some(Sequence(stored))), "{name}");
        }
        for (room, user, sequence) in [(ROOM, "bob", 2), (OTHER_ROOM, "ann", 3)] {
            assert_eq!(messages.marker(&of(room, user)).await, Ok(None), "{name}: each by itself");
            assert_eq!(messages.mark(&marker(room, user, sequence)).await, Ok(marker(room, user, sequence)));
        }
        assert_eq!(messages.marker(&of(ROOM, "ann")).await, Ok(Some(Sequence(8))), "{name}");
    }
}
