//! The chat's behaviours over PostgreSQL.

mod ground {
    /// New and empty stores.
    pub(crate) fn stores() -> crate::stores::Stores {
        crate::ground::postgres()
    }
}

#[path = "../../../services/chat/tests/suite/messages.rs"]
mod messages;
#[path = "../../../services/chat/tests/suite/presence.rs"]
mod presence;
#[path = "../../../services/chat/tests/suite/rooms.rs"]
mod rooms;
#[path = "../../../services/chat/tests/suite/scene.rs"]
mod scene;
