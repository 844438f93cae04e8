//! The mapping between protobuf messages and the contracts' types.

use chat::{
    AddMembers, Added, Content, Delivered, Device, Devices, EndedMembership, Epoch, GatewayId, History,
    HistoryQuery, Member, MemberOf, MemberPage, MemberQuery, Membership, NewMessage, NewRoom, Noted,
    Position, Positions, ReadMarker, Record, RemoveMember, Removed, Renewed, Role, Room, RoomId, RoomIds,
    Sent, Sequence, Start, Term, Text, User, Users,
};
use contract::Timestamp;
use remote::{Codec, Malformed, Many, Optional, Required, UnixMillis, Uuid};

use super::proto::{
    delivery::v1 as delivery,
    messages::v1::{self as messages, history_request},
    presence::v1 as presence,
    rooms::v1 as rooms,
    v1::{self as shared, record},
};

remote::messages! { shared:
    Position as Position { epoch, sequence by Number }
}

remote::messages! { rooms:
    NewRoom as CreateRequest { id by Uuid, name, by }
    Room as CreateResponse.room by Required;
    RoomId as RoomRequest.room_id by Uuid;
    Room as RoomResponse.room by Required;
    AddMembers as AddRequest { room as room_id by Uuid, by, users by Many, role by RoleNumber }
    Added as AddResponse { members }
    RemoveMember as RemoveRequest { room as room_id by Uuid, by, user }
    Removed as RemoveResponse {}
    MemberOf as MembershipRequest { room as room_id by Uuid, user }
    Membership as MembershipResponse { role by RoleNumber, term by Number }
    MemberQuery as MembersRequest { room as room_id by Uuid, after by Optional, limit }
    MemberPage as MembersResponse { members by Many, next by Optional }
    Room as Room { id by Uuid, name, by, at as made_ms by UnixMillis }
    Member as Member { user, role by RoleNumber }
}

remote::messages! { messages:
    NewMessage as SendRequest {
        room as room_id by Uuid,
        sender,
        term by Number,
        id as message_id by Uuid,
        text,
    }
    Sent as SendResponse { position by Required, at as at_ms by UnixMillis }
    EndedMembership as EndMembershipRequest { room as room_id by Uuid, user, term by Number }
    Sent as EndMembershipResponse { position by Required, at as at_ms by UnixMillis }
    HistoryQuery as HistoryRequest { room as room_id by Uuid, from by Beginning, limit }
    History as HistoryResponse { records by Many, end by Required }
    RoomIds as PositionsRequest { 0 as room_ids by Many<Uuid> }
    Positions as PositionsResponse { 0 as positions by Many }
    ReadMarker as MarkReadRequest.marker by Required;
    ReadMarker as MarkReadResponse.marker by Required;
    MemberOf as ReadMarkerRequest { room as room_id by Uuid, user }
    ReadMarker as ReadMarkerResponse.marker by Required;
    ReadMarker as Marker { room as room_id by Uuid, user, sequence by Number }
}

remote::messages! { presence:
    Devices as ArriveRequest { gateway as gateway_id by Uuid, devices by Many }
    Noted as ArriveResponse {}
    Devices as LeaveRequest { gateway as gateway_id by Uuid, devices by Many }
    Noted as LeaveResponse {}
    GatewayId as RenewRequest.gateway_id by Uuid;
    Renewed as RenewResponse { had_ended }
    Users as OnlineRequest { 0 as users by Many }
    Users as OnlineResponse { 0 as users by Many }
    Device as Device { id by Uuid, user }
}

remote::messages! { delivery:
    Record as DeliverRequest.record by Required;
    Delivered as DeliverResponse {}
}

/// Encodes what is a number as that.
struct Number;

impl Codec<Term, u32> for Number {
    fn write(Term(number): Term) -> u32 {
        number
    }

    fn read(_: &'static str, number: u32) -> Result<Term, Malformed> {
        Ok(Term(number))
    }
}

impl Codec<Sequence, u64> for Number {
    fn write(Sequence(number): Sequence) -> u64 {
        number
    }

    fn read(_: &'static str, number: u64) -> Result<Sequence, Malformed> {
        Ok(Sequence(number))
    }
}

/// Encodes a role as the number of its counterpart; the number 0 and unknown ones are malformed.
struct RoleNumber;

impl Codec<Role, i32> for RoleNumber {
    fn write(role: Role) -> i32 {
        match role {
            Role::Owner => rooms::Role::Owner.into(),
            Role::Member => rooms::Role::Member.into(),
        }
    }

    fn read(field: &'static str, number: i32) -> Result<Role, Malformed> {
        match rooms::Role::try_from(number) {
            Ok(rooms::Role::Owner) => Ok(Role::Owner),
            Ok(rooms::Role::Member) => Ok(Role::Member),
            Ok(rooms::Role::Unspecified) | Err(_) => Err(Malformed::new(field, "it is required")),
        }
    }
}

/// Encodes where records are read from; absent stands for the end.
struct Beginning;

impl Codec<Start, Option<history_request::From>> for Beginning {
    fn write(start: Start) -> Option<history_request::From> {
        match start {
            Start::After(Sequence(number)) => Some(history_request::From::After(number)),
            Start::Before(Sequence(number)) => Some(history_request::From::Before(number)),
            Start::End => None,
        }
    }

    fn read(_: &'static str, from: Option<history_request::From>) -> Result<Start, Malformed> {
        Ok(match from {
            Some(history_request::From::After(number)) => Start::After(Sequence(number)),
            Some(history_request::From::Before(number)) => Start::Before(Sequence(number)),
            None => Start::End,
        })
    }
}

impl From<Content> for record::Content {
    fn from(content: Content) -> Self {
        match content {
            Content::Message { sender, id, text } => Self::Message(shared::Message {
                sender: sender.into(),
                message_id: Uuid::write(id),
                text: text.into(),
            }),
            Content::Removed { user, term: Term(term) } => {
                Self::Removed(shared::Removed { user: user.into(), term })
            }
        }
    }
}

impl TryFrom<record::Content> for Content {
    type Error = Malformed;

    fn try_from(content: record::Content) -> Result<Self, Malformed> {
        Ok(match content {
            record::Content::Message(shared::Message { sender, message_id, text }) => Self::Message {
                sender: Malformed::field("sender", User::parse(sender))?,
                id: Uuid::read("message_id", message_id)?,
                text: Malformed::field("text", Text::parse(text))?,
            },
            record::Content::Removed(shared::Removed { user, term }) => {
                Self::Removed { user: Malformed::field("user", User::parse(user))?, term: Term(term) }
            }
        })
    }
}

impl From<Record> for shared::Record {
    fn from(Record { room, position, at, content }: Record) -> Self {
        Self {
            room_id: Uuid::write(room),
            epoch: position.epoch.get(),
            sequence: position.sequence.0,
            at_ms: at.millis(),
            content: Some(content.into()),
        }
    }
}

impl TryFrom<shared::Record> for Record {
    type Error = Malformed;

    fn try_from(message: shared::Record) -> Result<Self, Malformed> {
        let shared::Record { room_id, epoch, sequence, at_ms, content } = message;
        let epoch = Malformed::field("epoch", Epoch::new(epoch))?;
        Ok(Self {
            room: Uuid::read("room_id", room_id)?,
            position: Position { epoch, sequence: Sequence(sequence) },
            at: Timestamp::from_millis(at_ms),
            content: Malformed::field("content", Malformed::required("content", content)?.try_into())?,
        })
    }
}

#[cfg(test)]
mod tests;
