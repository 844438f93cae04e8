//! The chat's business logic: rooms, the log of each, and the delivery of every record to every connection, once and in order.
//!
//! | component | contract | logic | dependencies |
//! |---|---|---|---|
//! | `rooms` | [`Rooms`]: rooms and their members | [`RoomService`] | a [`RoomStore`], [`Messages`], a clock |
//! | `messages` | [`Messages`]: the log of each room | [`MessageService`] | a [`MessageStore`], a [`RecordSender`], a clock |
//! | `presence` | [`Presence`]: who is online | [`PresenceService`] | a [`PresenceStore`], a clock |
//! | `delivery` | [`Delivery`]: records on their way to connections | [`Feed`], which the app crate drives | [`Messages`] |
//!
//! A removal from a room is a record of its log. So "who was removed receives nothing more" follows from "everybody receives
//! the log in order", whatever a transport loses.
//!
//! This crate is pure: no transport, storage, clock or randomness, as its manifest shows.
//! Its ports to the outside are in [`ports`].
//!
//! Read in this order: `id`, `text`, `position` (validated values); the contracts `rooms`, `messages`, `presence`, `delivery`;
//! `ports`; the services `room_service`, `message_service`, `presence_service`; and last `feed`, what a process knows of one
//! room and the connections that read it.

mod delivery;
mod feed;
mod id;
mod message_service;
mod messages;
pub mod ports;
mod position;
mod presence;
mod presence_service;
mod room_service;
mod rooms;
mod text;

pub use delivery::{Delivered, Delivery, DeliveryError};
pub use feed::{Attached, Ended, Feed, Framed, Reader};
pub use id::{DeviceId, GatewayId, IdError, MessageId, RoomId};
pub use message_service::{MessageService, WriteOrder};
pub use messages::{
    Content, EndedMembership, History, HistoryQuery, MAX_RECORDS, MAX_ROOMS_AT_ONCE, MessageError, Messages,
    NewMessage, Positions, ReadMarker, Record, RoomIds, Sent, Start,
};
pub use ports::{
    Adding, Appended, Ending, Entry, MessageStore, PresenceStore, RecordKey, RecordSender, RoomStore,
};
pub use position::{Epoch, EpochError, Position, PositionError, Sequence};
pub use presence::{
    Device, DeviceState, Devices, GRACE, LEASE, MAX_USERS_AT_ONCE, Noted, Presence, PresenceError,
    RENEWED_EVERY, Renewed, Users,
};
pub use presence_service::PresenceService;
pub use room_service::RoomService;
pub use rooms::{
    AddMembers, Added, MAX_MEMBERS, MAX_MEMBERS_AT_ONCE, Member, MemberOf, MemberPage, MemberQuery,
    Membership, NewRoom, RemoveMember, Removed, Role, Room, RoomError, Rooms, Term,
};
pub use text::{RoomName, RoomNameError, Text, TextError, User, UserError};
