//! Every type comes back from its message as it was, and what a message must have is required.

use chat::{
    AddMembers, Added, Content, Delivered, Device, DeviceId, Devices, EndedMembership, Epoch, GatewayId,
    History, HistoryQuery, Member, MemberOf, MemberPage, MemberQuery, Membership, MessageId, NewMessage,
    NewRoom, Noted, Position, Positions, ReadMarker, Record, RemoveMember, Removed, Renewed, Role, Room,
    RoomId, RoomIds, RoomName, Sent, Sequence, Start, Term, Text, User, Users,
};
use contract::Timestamp;
use remote::Malformed;

use crate::remotes::proto::{
    delivery::v1 as delivery, messages::v1 as messages, presence::v1 as presence, rooms::v1 as rooms, v1,
};

const AT: Timestamp = Timestamp::from_millis(1_700_000_000_123);
const ROOM: RoomId = RoomId(u128::MAX - 7);

/// Checks that a value comes back from its message.
#[track_caller]
fn crosses<M, T>(value: &T)
where
    T: Clone + PartialEq + std::fmt::Debug + TryFrom<M, Error = Malformed>,
    M: From<T>,
{
    assert_eq!(T::try_from(M::from(value.clone())).as_ref(), Ok(value));
}

fn user(name: &str) -> User {
    User::parse(name).unwrap()
}

fn position(sequence: u64) -> Position {
    Position { epoch: Epoch::new(i64::MAX as u64).unwrap(), sequence: Sequence(sequence) }
}

fn message() -> Content {
    Content::Message {
        sender: user("ann"),
        id: MessageId(1),
        text: Text::parse("\u{e4}".repeat(4_000)).unwrap(),
    }
}

fn record(content: Content) -> Record {
    Record { room: ROOM, position: position(u64::MAX), at: AT, content }
}

#[test]
fn records_come_back_as_they_were() {
    let removed = Content::Removed { user: user("bob"), term: Term(u32::MAX) };
    for content in [message(), removed] {
        let record = record(content);
        crosses::<v1::Record, _>(&record);
        crosses::<delivery::DeliverRequest, _>(&record);
        let records = vec![record.clone(), record];
        crosses::<messages::HistoryResponse, _>(&History { records, end: position(0) });
    }
    crosses::<delivery::DeliverResponse, _>(&Delivered);
}

#[test]
fn rooms_and_members_come_back_as_they_were() {
    let name = RoomName::parse("Tea & cake \u{1f370}").unwrap();
    crosses::<rooms::CreateRequest, _>(&NewRoom { id: ROOM, name: name.clone(), by: user("ann") });
    let room = Room { id: ROOM, name, by: user("ann"), at: AT };
    crosses::<rooms::CreateResponse, _>(&room);
    crosses::<rooms::RoomResponse, _>(&room);
    crosses::<rooms::RoomRequest, _>(&ROOM);
    crosses::<rooms::AddResponse, _>(&Added { members: 10_000 });
    crosses::<rooms::RemoveRequest, _>(&RemoveMember { room: ROOM, by: user("ann"), user: user("bob") });
    crosses::<rooms::RemoveResponse, _>(&Removed);
    let of = MemberOf { room: ROOM, user: user("bob") };
    crosses::<rooms::MembershipRequest, _>(&of);
    crosses::<messages::ReadMarkerRequest, _>(&of);
    for role in [Role::Owner, Role::Member] {
        let users = vec![user("bob"), user("cid")];
        crosses::<rooms::AddRequest, _>(&AddMembers { room: ROOM, by: user("ann"), users, role });
        crosses::<rooms::MembershipResponse, _>(&Membership { role, term: Term(3) });
        let members = vec![Member { user: user("bob"), role }];
        for next in [None, Some(user("bob"))] {
            crosses::<rooms::MembersRequest, _>(&MemberQuery { room: ROOM, after: next.clone(), limit: 9 });
            crosses::<rooms::MembersResponse, _>(&MemberPage { members: members.clone(), next });
        }
    }
}

#[test]
fn what_is_asked_of_a_log_comes_back_as_it_was() {
    let text = Text::parse("hello\n").unwrap();
    let sent = NewMessage { room: ROOM, sender: user("ann"), term: Term(2), id: MessageId(3), text };
    crosses::<messages::SendRequest, _>(&sent);
    let ended = EndedMembership { room: ROOM, user: user("bob"), term: Term(2) };
    crosses::<messages::EndMembershipRequest, _>(&ended);
    let sent = Sent { position: position(7), at: AT };
    crosses::<messages::SendResponse, _>(&sent);
    crosses::<messages::EndMembershipResponse, _>(&sent);
    for from in [Start::After(Sequence(0)), Start::Before(Sequence(u64::MAX)), Start::End] {
        crosses::<messages::HistoryRequest, _>(&HistoryQuery { room: ROOM, from, limit: 500 });
    }
    crosses::<messages::PositionsRequest, _>(&RoomIds(vec![ROOM, RoomId(0)]));
    crosses::<messages::PositionsResponse, _>(&Positions(vec![position(1), position(0)]));
    let marker = ReadMarker { room: ROOM, user: user("bob"), sequence: Sequence(4) };
    crosses::<messages::MarkReadRequest, _>(&marker);
    crosses::<messages::MarkReadResponse, _>(&marker);
    crosses::<messages::ReadMarkerResponse, _>(&marker);
}

#[test]
fn who_is_connected_comes_back_as_it_was() {
    let devices = vec![Device { id: DeviceId(1), user: user("ann") }];
    let devices = Devices { gateway: GatewayId(u128::MAX), devices };
    crosses::<presence::ArriveRequest, _>(&devices);
    crosses::<presence::LeaveRequest, _>(&devices);
    crosses::<presence::ArriveResponse, _>(&Noted);
    crosses::<presence::LeaveResponse, _>(&Noted);
    crosses::<presence::RenewRequest, _>(&GatewayId(5));
    for had_ended in [true, false] {
        crosses::<presence::RenewResponse, _>(&Renewed { had_ended });
    }
    let users = Users(vec![user("ann"), user("bob")]);
    crosses::<presence::OnlineRequest, _>(&users);
    crosses::<presence::OnlineResponse, _>(&users);
}

#[test]
fn a_message_without_what_it_must_have_is_refused_by_name() {
    let refused = |message: v1::Record| Record::try_from(message).expect_err("no record").to_string();
    let sound = v1::Record::from(record(message()));
    assert_eq!(refused(v1::Record { content: None, ..sound.clone() }), "`content`: it is required");
    assert_eq!(
        refused(v1::Record { room_id: vec![0; 15], ..sound.clone() }),
        "`room_id`: a UUID is 16 bytes"
    );
    assert!(refused(v1::Record { epoch: 0, ..sound.clone() }).starts_with("`epoch`: an epoch is"));
    let removed = v1::Removed { user: "Bob".to_owned(), term: 1 };
    let content = Some(v1::record::Content::Removed(removed));
    assert!(refused(v1::Record { content, ..sound.clone() }).starts_with("`content`: `user`: a user is"));
    let empty = v1::Message { sender: "ann".to_owned(), message_id: vec![0; 16], text: String::new() };
    let content = Some(v1::record::Content::Message(empty));
    assert!(refused(v1::Record { content, ..sound }).starts_with("`content`: `text`: a message is"));
    for role in [0, 7] {
        let response = rooms::MembershipResponse { role, term: 1 };
        let refused = Membership::try_from(response).expect_err("no role").to_string();
        assert_eq!(refused, "`role`: it is required");
    }
}
