//! The feeds of all rooms that this process has connections in.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chat::{Delivered, Delivery, DeliveryError, DeviceId, Feed, Framed, Messages, Position, Record, RoomId};
use contract::{Clock, SystemClock, Timestamp};

use super::{Connection, DeliveryMetrics, frames};
use crate::axes::Recovery;

/// Records of a room that are kept for clients that come back: some minutes of a lively room.
const WINDOW: usize = 256;
/// How long a room without connections is kept: clients that were all disconnected at once come back to it.
const KEPT_FOR: Duration = Duration::from_mins(1);
/// The most rooms without connections that are kept.
const MOST_KEPT: usize = 10_000;

/// The connections of this process by their rooms. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Hub(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) messages: Arc<dyn Messages>,
    pub(super) recovery: Recovery,
    pub(super) metrics: DeliveryMetrics,
    clock: SystemClock,
    rooms: Mutex<HashMap<RoomId, Arc<Room>>>,
}

/// One room.
pub(super) struct Room {
    pub(super) id: RoomId,
    feed: Mutex<Feed<Connection>>,
    /// Whether a task reads from its log.
    pub(super) is_loading: AtomicBool,
    /// Since when nobody is connected.
    deserted: Mutex<Option<Instant>>,
}

impl Hub {
    /// A hub without connections, which reads from these logs.
    pub fn new(messages: Arc<dyn Messages>, recovery: Recovery, metrics: DeliveryMetrics) -> Self {
        Self(Arc::new(Inner { messages, recovery, metrics, clock: SystemClock, rooms: Mutex::default() }))
    }

    /// What is counted.
    pub fn metrics(&self) -> &DeliveryMetrics {
        &self.0.metrics
    }

    /// A record was appended to its log, as some transport says.
    pub fn hint(&self, record: Record) {
        let Some(room) = self.room(record.room) else { return };
        let frame = frames::record(&record);
        let is_of_another_log = room.feed().hint(&Framed { record, frame }, self.now());
        if is_of_another_log {
            self.look_again(vec![room]);
        } else {
            self.catch_up_if_wanted(&room);
        }
    }

    /// Whether this process has a feed of a room.
    pub fn knows(&self, room: RoomId) -> bool {
        self.room(room).is_some()
    }

    /// A connection has ended.
    pub fn left(&self, room: RoomId, device: DeviceId) {
        let Some(room) = self.room(room) else { return };
        let mut feed = room.feed();
        feed.detach(|connection| connection.pass.device.id == device);
        if feed.readers() == 0 {
            *room.deserted() = Some(Instant::now());
        }
    }

    /// Ends connections whose tokens have ended, and forgets rooms in which nobody is.
    pub fn sweep(&self) {
        for room in self.rooms() {
            room.feed().expire(self.now());
        }
        let mut rooms = self.0.rooms();
        let mut kept = 0;
        rooms.retain(|_, room| {
            // Another reference means that a connection is about to attach, or that the room's log is being read.
            if Arc::strong_count(room) > 1 || room.feed().readers() > 0 {
                return true;
            }
            let is_fresh = room.deserted().get_or_insert_with(Instant::now).elapsed() < KEPT_FOR;
            kept += usize::from(is_fresh);
            is_fresh && kept <= MOST_KEPT
        });
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(super) fn room(&self, id: RoomId) -> Option<Arc<Room>> {
        self.0.rooms().get(&id).cloned()
    }

    /// The room, which begins at this position if this process does not know it.
    pub(super) fn room_at(&self, id: RoomId, at: Position) -> Arc<Room> {
        let mut rooms = self.0.rooms();
        let room = rooms.entry(id).or_insert_with(|| {
            let (is_loading, deserted) = (AtomicBool::new(false), Mutex::default());
            Arc::new(Room { id, feed: Mutex::new(Feed::new(at, WINDOW)), is_loading, deserted })
        });
        *room.deserted() = None;
        Arc::clone(room)
    }

    pub(super) fn rooms(&self) -> Vec<Arc<Room>> {
        self.0.rooms().values().cloned().collect()
    }
}

impl Inner {
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    pub(super) fn feed(&self) -> MutexGuard<'_, Feed<Connection>> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deserted(&self) -> MutexGuard<'_, Option<Instant>> {
        self.deserted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the caller is the one who reads from the log now.
    pub(super) fn begins_loading(&self) -> bool {
        !self.is_loading.swap(true, Ordering::AcqRel)
    }
}

#[async_trait]
impl Delivery for Hub {
    async fn deliver(&self, record: Record) -> Result<Delivered, DeliveryError> {
        self.hint(record);
        Ok(Delivered)
    }
}

#[cfg(test)]
mod tests;
