//! The ports in memory: one database for all components.

mod messages;
mod presence;
mod rooms;

use std::sync::{Mutex, MutexGuard};

use self::{messages::MessageTables, presence::PresenceTables, rooms::RoomTables};

/// A database of all components.
#[derive(Default)]
pub(crate) struct Memory {
    rooms: Mutex<RoomTables>,
    messages: Mutex<MessageTables>,
    presence: Mutex<PresenceTables>,
}

impl Memory {
    fn rooms(&self) -> MutexGuard<'_, RoomTables> {
        self.rooms.lock().unwrap()
    }

    fn messages(&self) -> MutexGuard<'_, MessageTables> {
        self.messages.lock().unwrap()
    }

    fn presence(&self) -> MutexGuard<'_, PresenceTables> {
        self.presence.lock().unwrap()
    }
}
