//! Reads from the log what a feed lacks.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use backing::{Background, Listener, Received};
use chat::{
    Framed, History, HistoryQuery, MAX_RECORDS, MAX_ROOMS_AT_ONCE, MessageError, Position, Positions, RoomId,
    RoomIds, Sequence, Start,
};
use remote::{Context, scope};
use runtime::live::Utf8Bytes;
use tokio::time::sleep;

use super::{Hub, frames, hub::Room};
use crate::topics::Records;

/// How often the ends of all logs are compared with what was passed on: the longest time for which a record that the transport
/// lost is late, if no other follows it.
const LOOKED_AGAIN_EVERY: Duration = Duration::from_secs(1);
/// The pauses before a log that could not be read is read again: the first, and the longest.
const AGAIN_AFTER: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

impl Hub {
    /// Starts what this process does beside requests: it looks for what the transport lost, ends connections whose tokens have
    /// ended, and takes what a broadcast brings, if records come by one.
    pub fn start(&self, records: Option<Listener<Records>>, background: &Background) {
        let hub = self.clone();
        background.every(LOOKED_AGAIN_EVERY, move || {
            let hub = hub.clone();
            async move {
                hub.sweep();
                hub.look_at_all().await;
            }
        });
        if let Some(records) = records {
            let hub = self.clone();
            background.start(|stop| async move {
                stop.run_until_cancelled(hub.listen(records)).await;
            });
        }
    }

    async fn listen(&self, mut records: Listener<Records>) {
        loop {
            match records.next().await {
                Received::Event(event) => self.hint(event.payload),
                Received::Gap => self.look_at_all().await,
            }
        }
    }

    /// Compares the ends of all logs with what was passed on.
    async fn look_at_all(&self) {
        let rooms: Vec<_> = self.rooms().into_iter().filter(|room| room.feed().readers() > 0).collect();
        for some in rooms.chunks(MAX_ROOMS_AT_ONCE) {
            self.look_at(some).await;
        }
    }

    async fn look_at(&self, rooms: &[Arc<Room>]) {
        let ids = rooms.iter().map(|room| room.id).collect();
        // What cannot be seen now is looked at the next time.
        let Ok(ends) = self.ends(ids).await else { return };
        for (room, end) in rooms.iter().zip(ends) {
            room.feed().ends_at(end);
            self.catch_up_if_wanted(room);
        }
    }

    /// The same for some rooms, in the background.
    pub(super) fn look_again(&self, rooms: Vec<Arc<Room>>) {
        let hub = self.clone();
        tokio::spawn(async move { hub.look_at(&rooms).await });
    }

    /// Reads what a room lacks, if it does, in the background, unless that is being done; at most one such task for each room.
    pub(super) fn catch_up_if_wanted(&self, room: &Arc<Room>) {
        let is_wanted = room.feed().wants().is_some();
        if is_wanted && room.begins_loading() {
            let (hub, room) = (self.clone(), Arc::clone(room));
            tokio::spawn(async move { hub.load(&room).await });
        }
    }

    async fn load(&self, room: &Room) {
        let mut pause = AGAIN_AFTER.0;
        while let Some(after) = still_wanted(room) {
            self.0.metrics.history_read("gap");
            let read = unattended(self.read(room.id, after)).await;
            match read {
                Ok((end, records)) => {
                    room.feed().loaded(end, &records, self.now());
                    pause = AGAIN_AFTER.0;
                }
                Err(error) => {
                    tracing::warn!(room = %room.id, %error, "records of a room are late");
                    sleep(pause).await;
                    pause = (pause * 2).min(AGAIN_AFTER.1);
                }
            }
        }
    }

    /// Records after one, encoded.
    pub(super) async fn read(
        &self,
        room: RoomId,
        after: Sequence,
    ) -> Result<(Position, Vec<Framed<Utf8Bytes>>), MessageError> {
        let query = HistoryQuery { room, from: Start::After(after), limit: MAX_RECORDS };
        let history: History = self.0.messages.history(query).await?;
        Ok((history.end, history.framed(frames::record)))
    }

    /// Where logs end.
    pub(super) async fn ends(&self, rooms: Vec<RoomId>) -> Result<Vec<Position>, MessageError> {
        let Positions(ends) = unattended(self.0.messages.positions(RoomIds(rooms))).await?;
        Ok(ends)
    }
}

/// After which record the room's log is to be read. Without any the loading ends, under the feed's lock, so that whoever wants
/// more afterwards begins anew.
fn still_wanted(room: &Room) -> Option<Sequence> {
    let feed = room.feed();
    let wanted = feed.wants().filter(|_| feed.readers() > 0);
    if wanted.is_none() {
        room.is_loading.store(false, Ordering::Release);
    }
    wanted
}

/// Runs a call that no request waits for.
async fn unattended<T>(call: impl Future<Output = T>) -> T {
    scope(Context::unattended(), call).await
}
