//! Stores whose calls fail when a test says so.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chat::{
    AddMembers, Adding, Appended, Device, DeviceState, EndedMembership, Ending, Entry, Epoch, GatewayId,
    History, HistoryQuery, MemberOf, MemberPage, MemberQuery, Membership, MessageStore, Position,
    PresenceStore, ReadMarker, Record, RecordKey, Room, RoomId, RoomStore, Sequence, User,
};
use contract::{Timestamp, Unavailable, Why};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call does not arrive.
    CallLost,
    /// The call is done, and the reply does not arrive.
    ReplyLost,
}

/// What goes wrong with the next calls of stores, by the names of the calls.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<(&'static str, Fault)>>);

impl Faults {
    /// The next call with this name has this fault.
    pub(crate) fn plan(&self, call: &'static str, fault: Fault) {
        self.0.lock().unwrap().push((call, fault));
    }

    fn take(&self, call: &str) -> Option<Fault> {
        let mut planned = self.0.lock().unwrap();
        let index = planned.iter().position(|(name, _)| *name == call)?;
        Some(planned.remove(index).1)
    }

    async fn call<T: Send>(
        &self,
        name: &str,
        call: impl Future<Output = Result<T, Unavailable>> + Send,
    ) -> Result<T, Unavailable> {
        match self.take(name) {
            None => call.await,
            Some(Fault::CallLost) => Err(lost()),
            Some(Fault::ReplyLost) => call.await.and(Err(lost())),
        }
    }
}

/// The failure of a call with a fault.
pub(crate) fn lost() -> Unavailable {
    Unavailable::new("database", Why::Unreachable)
}

/// A store with faults.
pub(crate) struct Faulty<S: ?Sized> {
    pub(crate) store: Arc<S>,
    pub(crate) faults: Arc<Faults>,
}

/// Passes the calls of a store on, each with its planned fault.
macro_rules! faulty {
    ($($Store:ident { $($call:ident($($of:ident: $Of:ty),*) -> $Reply:ty;)* })*) => {$(
        #[async_trait]
        impl<S: $Store + ?Sized> $Store for Faulty<S> {
            $(async fn $call(&self, $($of: $Of),*) -> Result<$Reply, Unavailable> {
                self.faults.call(stringify!($call), self.store.$call($($of),*)).await
            })*
        }
    )*};
}

faulty! {
    RoomStore {
        insert(room: &Room) -> Room;
        find(room: RoomId) -> Option<Room>;
        membership(of: &MemberOf) -> Option<Membership>;
        add(add: &AddMembers, most: u32) -> Adding;
        end(of: &MemberOf) -> Ending;
        ended(ended: &EndedMembership) -> ();
        ending(most: u32) -> Vec<EndedMembership>;
        members(query: &MemberQuery) -> MemberPage;
    }
    MessageStore {
        append(entry: &Entry) -> Appended;
        reserve(room: RoomId, epoch: Epoch) -> Position;
        put(entry: &Entry, position: Position) -> Appended;
        by_key(room: RoomId, key: &RecordKey) -> Option<Record>;
        history(query: &HistoryQuery, epoch: Epoch) -> History;
        positions(rooms: &[(RoomId, Epoch)]) -> Vec<Position>;
        mark(marker: &ReadMarker) -> ReadMarker;
        marker(of: &MemberOf) -> Option<Sequence>;
    }
    PresenceStore {
        arrive(gateway: GatewayId, devices: &[Device], until: Timestamp) -> ();
        leave(gateway: GatewayId, devices: &[Device], at: Timestamp) -> ();
        renew(gateway: GatewayId, until: Timestamp) -> Option<Timestamp>;
        devices(users: &[User]) -> Vec<(User, DeviceState)>;
        forget(before: Timestamp, most: u32) -> u64;
    }
}
