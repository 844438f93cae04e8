//! The remote forms of the chat's components.
//!
//! One table for each contract. gRPC messages are those of `proto/lab/chat`; HTTP messages are the contract's types in
//! their serde form. Every method is idempotent: who sends or makes something chooses its id.

/// The component `rooms`.
pub mod rooms {
    use chat::{
        AddMembers, Added, MemberOf, MemberPage, MemberQuery, Membership, NewRoom, RemoveMember, Removed,
        Room, RoomError, RoomId, Rooms,
    };

    use super::proto::rooms::v1 as proto;

    remote::remote! {
        Rooms at "rooms", by gRPC "lab.chat.rooms.v1.RoomsService" of proto, failing with RoomError {
            #[idempotent] create(NewRoom) -> Room;
            #[idempotent] room(RoomId) -> Room;
            #[idempotent] add(AddMembers) -> Added;
            #[idempotent] remove(RemoveMember) -> Removed;
            #[idempotent] membership(MemberOf) -> Membership;
            #[idempotent] members(MemberQuery) -> MemberPage;
        }
    }
}

/// The component `messages`.
pub mod messages {
    use chat::{
        EndedMembership, History, HistoryQuery, MemberOf, MessageError, Messages, NewMessage, Positions,
        ReadMarker, RoomIds, Sent,
    };

    use super::proto::messages::v1 as proto;

    remote::remote! {
        Messages at "messages", by gRPC "lab.chat.messages.v1.MessagesService" of proto, failing with MessageError {
            #[critical] #[idempotent] send(NewMessage) -> Sent;
            #[critical] #[idempotent] end_membership(EndedMembership) -> Sent;
            #[idempotent] history(HistoryQuery) -> History;
            #[idempotent] positions(RoomIds) -> Positions;
            #[idempotent] mark_read(ReadMarker) -> ReadMarker;
            #[idempotent] read_marker(MemberOf) -> ReadMarker;
        }
    }
}

/// The component `presence`.
pub mod presence {
    use chat::{Devices, GatewayId, Noted, Presence, PresenceError, Renewed, Users};

    use super::proto::presence::v1 as proto;

    remote::remote! {
        Presence at "presence", by gRPC "lab.chat.presence.v1.PresenceService" of proto, failing with PresenceError {
            #[idempotent] arrive(Devices) -> Noted;
            #[idempotent] leave(Devices) -> Noted;
            #[idempotent] renew(GatewayId) -> Renewed;
            #[idempotent] online(Users) -> Users;
        }
    }
}

/// The component `delivery`.
pub mod delivery {
    use chat::{Delivered, Delivery, DeliveryError, Record};

    use super::proto::delivery::v1 as proto;

    remote::remote! {
        Delivery at "delivery", by gRPC "lab.chat.delivery.v1.DeliveryService" of proto, failing with DeliveryError {
            #[idempotent] deliver(Record) -> Delivered;
        }
    }
}

/// The code that tonic generates from `proto/lab/chat`: a module for each package, nested as they are.
#[allow(missing_docs, clippy::pedantic, reason = "generated; the `.proto` files say what each is")]
pub mod proto {
    pub mod v1 {
        tonic::include_proto!("lab.chat.v1");
    }
    pub mod rooms {
        pub mod v1 {
            tonic::include_proto!("lab.chat.rooms.v1");
        }
    }
    pub mod messages {
        pub mod v1 {
            tonic::include_proto!("lab.chat.messages.v1");
        }
    }
    pub mod presence {
        pub mod v1 {
            tonic::include_proto!("lab.chat.presence.v1");
        }
    }
    pub mod delivery {
        pub mod v1 {
            tonic::include_proto!("lab.chat.delivery.v1");
        }
    }
}

mod mapping;
