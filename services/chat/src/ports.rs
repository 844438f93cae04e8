//! The chat's ports; the app crate has the adapters.

use async_trait::async_trait;
use contract::{Timestamp, Unavailable};

use crate::{
    AddMembers, Content, Device, DeviceState, EndedMembership, Epoch, GatewayId, History, HistoryQuery,
    MemberOf, MemberPage, MemberQuery, Membership, Position, ReadMarker, Record, Room, RoomId, Sequence,
    Term, User,
};

/// Stores rooms and memberships.
///
/// A membership ends in two steps, so that a process which is killed between them leaves no removal that the log lacks:
/// [`end`](Self::end) makes it *ending*, in which it gives no right any more, and [`ended`](Self::ended) forgets it once the log
/// has it. Whoever finds one that is ending goes on with it.
#[async_trait]
pub trait RoomStore: Send + Sync {
    /// Stores a room with its maker as owner of term 1, unless there is one with its id; returns the one that is stored then.
    async fn insert(&self, room: &Room) -> Result<Room, Unavailable>;

    /// The room with this id.
    async fn find(&self, room: RoomId) -> Result<Option<Room>, Unavailable>;

    /// The membership of a user, unless it is ending.
    async fn membership(&self, of: &MemberOf) -> Result<Option<Membership>, Unavailable>;

    /// Adds members of an existing room: a new one with the term after their last one, one who is a member already with the new
    /// role and the same term. One whose membership is ending is added as the other new ones, and its end stays to be logged.
    /// Counts how many members there are then, those that are ending not among them. Nothing changes if they would be more
    /// than `most`, or if no owner would be left.
    async fn add(&self, add: &AddMembers, most: u32) -> Result<Adding, Unavailable>;

    /// Makes a membership ending, unless it is that of the last owner.
    async fn end(&self, of: &MemberOf) -> Result<Ending, Unavailable>;

    /// Forgets an end of a membership that is in the log.
    async fn ended(&self, ended: &EndedMembership) -> Result<(), Unavailable>;

    /// Some of the ends that are not in the log yet, at most `most`.
    async fn ending(&self, most: u32) -> Result<Vec<EndedMembership>, Unavailable>;

    /// A page of the members, those that are ending not among them, in the order of the bytes of their names.
    async fn members(&self, query: &MemberQuery) -> Result<MemberPage, Unavailable>;
}

/// What came of adding members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adding {
    /// They are members, of so many.
    Added(u32),
    /// They would have been too many.
    Full,
    /// No owner would have been left.
    NoOwner,
}

/// What came of the end of a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is ending, perhaps since an earlier call.
    Ending(Term),
    /// The user is no member.
    NoMember,
    /// It is that of the last owner.
    LastOwner,
}

/// Stores the logs of rooms.
#[async_trait]
pub trait MessageStore: Send + Sync {
    /// Appends a record to a room's log: the number after the last one and the record are stored in one transaction, so that a
    /// failure leaves no hole, and records become visible in the order of their numbers.
    ///
    /// If the log has a record with this key already, it is returned instead. If it has the end of a membership of the sender
    /// with this term or a later one, nothing is appended.
    async fn append(&self, entry: &Entry) -> Result<Appended, Unavailable>;

    /// Takes the next number of a room's log without a record: the first half of [`append`](Self::append), for the control that
    /// delivers before it stores.
    async fn reserve(&self, room: RoomId, epoch: Epoch) -> Result<Position, Unavailable>;

    /// Stores a record under a number that was reserved, unless there is one with its key, or the sender's membership has ended.
    /// The second half.
    async fn put(&self, entry: &Entry, position: Position) -> Result<Appended, Unavailable>;

    /// The record with this key.
    async fn by_key(&self, room: RoomId, key: &RecordKey) -> Result<Option<Record>, Unavailable>;

    /// Records of a log, and where it ends: read in one transaction, so that the end is not before the last record. A log
    /// that does not exist yet begins with this epoch.
    async fn history(&self, query: &HistoryQuery, epoch: Epoch) -> Result<History, Unavailable>;

    /// Where logs end, in the order in which they are named. A log that does not exist yet begins with the epoch beside it.
    async fn positions(&self, rooms: &[(RoomId, Epoch)]) -> Result<Vec<Position>, Unavailable>;

    /// Stores a marker unless the stored one is further; returns the one that is stored then.
    async fn mark(&self, marker: &ReadMarker) -> Result<ReadMarker, Unavailable>;

    /// A stored marker.
    async fn marker(&self, of: &MemberOf) -> Result<Option<Sequence>, Unavailable>;
}

/// What makes a record the same as another one of its room: whose it is, and the id of the message or the term.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordKey {
    /// The sender, or who was removed.
    pub user: User,
    /// What distinguishes it among the records of this user: `m` and the message's id, or `r` and the term.
    pub what: String,
}

/// A record to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// To which room's log.
    pub room: RoomId,
    /// The epoch with which the log begins if it does not exist yet.
    pub epoch: Epoch,
    /// What makes it the same as another one.
    pub key: RecordKey,
    /// The sender's membership, which must not have ended; `None` for what nobody sends.
    pub term: Option<Term>,
    /// What it says.
    pub content: Content,
    /// When.
    pub at: Timestamp,
}

/// What came of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It was appended.
    New(Position),
    /// The log had one with its key already.
    Known(Record),
    /// The sender's membership has ended.
    Ended,
}

/// Has a record delivered by every process that holds connections.
#[async_trait]
pub trait RecordSender: Send + Sync {
    /// Sends a record on its way, at most once. A failure is no failure of whoever appended the record: processes that hold
    /// connections look for what they have missed.
    async fn send(&self, record: &Record) -> Result<(), Unavailable>;
}

/// Stores who is connected where.
#[async_trait]
pub trait PresenceStore: Send + Sync {
    /// Stores devices at a gateway, and its lease.
    async fn arrive(
        &self,
        gateway: GatewayId,
        devices: &[Device],
        until: Timestamp,
    ) -> Result<(), Unavailable>;

    /// Stores that devices have left a gateway at this time; those that are not there, or have left before, are left alone.
    async fn leave(&self, gateway: GatewayId, devices: &[Device], at: Timestamp) -> Result<(), Unavailable>;

    /// Stores a gateway's lease; returns until when it was before, if there was one.
    async fn renew(&self, gateway: GatewayId, until: Timestamp) -> Result<Option<Timestamp>, Unavailable>;

    /// The devices of these users.
    async fn devices(&self, users: &[User]) -> Result<Vec<(User, DeviceState)>, Unavailable>;

    /// Deletes gateways whose leases ended before this time, and their devices, and devices that left before it; at most
    /// `most` of each. Returns how many.
    async fn forget(&self, before: Timestamp, most: u32) -> Result<u64, Unavailable>;
}
