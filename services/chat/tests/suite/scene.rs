//! The components of a chat, over stores and a transport that a test has in its hands.

use std::sync::Arc;

use chat::{
    AddMembers, EndedMembership, HistoryQuery, MAX_RECORDS, MemberOf, Membership, MessageError, MessageId,
    MessageService, Messages, NewMessage, NewRoom, PresenceService, RemoveMember, Removed, Role, Room,
    RoomError, RoomId, RoomService, Rooms, Sent, Start, Term, User, WriteOrder,
};

use super::ground;
use crate::{
    faults::{Faults, Faulty},
    stores::Stores,
    support::{ROOM, SetClock, at_once, line, name, new_epoch, text, user, users},
    transport::Transport,
};

pub(crate) struct Scene {
    pub(crate) stores: Stores,
    pub(crate) faults: Arc<Faults>,
    pub(crate) transport: Arc<Transport>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) rooms: RoomService,
    pub(crate) messages: Arc<MessageService>,
    pub(crate) presence: PresenceService,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(WriteOrder::StoreThenDeliver)
    }

    pub(crate) fn with(order: WriteOrder) -> Self {
        let stores = ground::stores();
        let (faults, clock) = (Arc::new(Faults::default()), Arc::new(SetClock::new()));
        let transport = Arc::new(Transport::new(stores.messages.clone()));
        let log = Arc::new(Faulty { store: stores.messages.clone(), faults: faults.clone() });
        let messages = Arc::new(MessageService::new(log, transport.clone(), clock.clone(), order, new_epoch));
        let rooms = Arc::new(Faulty { store: stores.rooms.clone(), faults: faults.clone() });
        let rooms = RoomService::new(rooms, messages.clone(), clock.clone());
        let presence = Arc::new(Faulty { store: stores.presence.clone(), faults: faults.clone() });
        let presence = PresenceService::new(presence, clock.clone());
        Self { stores, faults, transport, clock, rooms, messages, presence }
    }

    /// Ann makes the room.
    pub(crate) fn make(&self) -> Result<Room, RoomError> {
        at_once(self.rooms.create(NewRoom { id: ROOM, name: name("Tea"), by: user("ann") }))
    }

    /// Somebody adds others as members.
    pub(crate) fn add(&self, by: &str, names: &[&str]) -> Result<u32, RoomError> {
        self.add_as(Role::Member, by, users(names))
    }

    pub(crate) fn add_as(&self, role: Role, by: &str, users: Vec<User>) -> Result<u32, RoomError> {
        let add = AddMembers { room: ROOM, by: user(by), users, role };
        at_once(self.rooms.add(add)).map(|added| added.members)
    }

    pub(crate) fn remove(&self, by: &str, name: &str) -> Result<Removed, RoomError> {
        at_once(self.rooms.remove(RemoveMember { room: ROOM, by: user(by), user: user(name) }))
    }

    pub(crate) fn membership(&self, name: &str) -> Result<Membership, RoomError> {
        at_once(self.rooms.membership(MemberOf { room: ROOM, user: user(name) }))
    }

    /// Sends a message by somebody's first membership.
    pub(crate) fn send(&self, sender: &str, id: u128, said: &str) -> Result<Sent, MessageError> {
        self.send_by(1, sender, id, said)
    }

    pub(crate) fn send_by(
        &self,
        term: u32,
        sender: &str,
        id: u128,
        said: &str,
    ) -> Result<Sent, MessageError> {
        let (sender, text) = (user(sender), text(said));
        let message = NewMessage { room: ROOM, sender, term: Term(term), id: MessageId(id), text };
        at_once(self.messages.send(message))
    }

    pub(crate) fn end_membership(&self, name: &str, term: u32) -> Result<Sent, MessageError> {
        let ended = EndedMembership { room: ROOM, user: user(name), term: Term(term) };
        at_once(self.messages.end_membership(ended))
    }

    /// What the history of the room has, each record in one line.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log_of(ROOM)
    }

    pub(crate) fn log_of(&self, room: RoomId) -> Vec<String> {
        let query = HistoryQuery { room, from: Start::End, limit: MAX_RECORDS };
        at_once(self.messages.history(query)).unwrap().records.iter().map(line).collect()
    }
}
