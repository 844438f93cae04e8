//! Messages: one sequence without holes, each record once, stored before anybody sees it.

use chat::{
    HistoryQuery, MAX_RECORDS, MAX_ROOMS_AT_ONCE, MemberOf, MessageError, MessageId, Messages, NewMessage,
    Position, Positions, ReadMarker, RoomId, RoomIds, Sent, Sequence, Start, Term, WriteOrder,
};

use super::scene::Scene;
use crate::{
    faults::{Fault, lost},
    support::{OTHER_ROOM, ROOM, START, at_once, line, text, user},
    transport::Manner,
};

/// The position where the log of a room ends.
fn end(scene: &Scene, room: RoomId) -> Position {
    at_once(scene.messages.positions(RoomIds(vec![room]))).unwrap().0[0]
}

/// The numbers of some records.
fn numbers(scene: &Scene, from: Start, limit: u32) -> Vec<u64> {
    let history = at_once(scene.messages.history(HistoryQuery { room: ROOM, from, limit })).unwrap();
    assert_eq!(history.end, end(scene, ROOM));
    history.records.iter().map(|record| record.position.sequence.0).collect()
}

fn mark(scene: &Scene, sequence: u64) -> Result<u64, MessageError> {
    let marker = ReadMarker { room: ROOM, user: user("ann"), sequence: Sequence(sequence) };
    at_once(scene.messages.mark_read(marker)).map(|marker| marker.sequence.0)
}

fn marker(scene: &Scene, name: &str) -> Result<u64, MessageError> {
    let of = MemberOf { room: ROOM, user: user(name) };
    at_once(scene.messages.read_marker(of)).map(|marker| marker.sequence.0)
}

#[test]
fn a_log_counts_from_1_without_holes_in_one_epoch() {
    let scene = Scene::new();
    let before = end(&scene, ROOM);
    assert_eq!(before.sequence, Sequence(0));
    for number in 1..=3 {
        let sent = scene.send("ann", number.into(), "hello").unwrap();
        let position = Position { epoch: before.epoch, sequence: Sequence(number) };
        assert_eq!(sent, Sent { position, at: START });
    }
    assert_eq!(numbers(&scene, Start::After(Sequence(0)), 10), [1, 2, 3]);
    let both = at_once(scene.messages.positions(RoomIds(vec![OTHER_ROOM, ROOM, OTHER_ROOM]))).unwrap();
    assert_ne!(both.0[0].epoch, before.epoch, "each log has an epoch of its own");
    assert_eq!(both.0, [end(&scene, OTHER_ROOM), end(&scene, ROOM), end(&scene, OTHER_ROOM)]);
}

#[test]
fn the_same_message_again_is_the_same_record() {
    let scene = Scene::new();
    let sent = scene.send("ann", 1, "hello");
    scene.send("ann", 2, "are you there?").unwrap();
    scene.clock.pass(std::time::Duration::from_secs(1));
    assert_eq!(scene.send("ann", 1, "hello"), sent);
    assert_eq!(scene.log(), ["1 ann: hello", "2 ann: are you there?"]);
    assert_eq!(scene.transport.brought(), scene.log(), "a repetition is not brought again");
}

#[test]
fn another_text_under_the_same_id_is_refused() {
    let scene = Scene::new();
    scene.send("ann", 1, "hello").unwrap();
    assert_eq!(scene.send("ann", 1, "goodbye"), Err(MessageError::OtherText { id: MessageId(1) }));
    assert_eq!(scene.log(), ["1 ann: hello"]);
    assert_eq!(end(&scene, ROOM).sequence, Sequence(1));
    assert_eq!(scene.transport.brought(), scene.log());
}

#[test]
fn the_same_id_of_another_sender_or_in_another_room_is_another_message() {
    let scene = Scene::new();
    scene.send("ann", 1, "hello").unwrap();
    scene.send("bob", 1, "hello, ann").unwrap();
    let message = NewMessage {
        room: OTHER_ROOM,
        sender: user("ann"),
        term: Term(1),
        id: MessageId(1),
        text: text("hello, others"),
    };
    at_once(scene.messages.send(message)).unwrap();
    assert_eq!(scene.log(), ["1 ann: hello", "2 bob: hello, ann"]);
    assert_eq!(scene.log_of(OTHER_ROOM), ["1 ann: hello, others"]);
}

#[test]
fn who_was_removed_sends_nothing_more_until_they_are_added_again() {
    let scene = Scene::new();
    let sent = scene.send("bob", 1, "hello");
    scene.end_membership("bob", 1).unwrap();
    let refused = Err(MessageError::NotAMember { user: user("bob") });
    assert_eq!(scene.send_by(1, "bob", 2, "still here?"), refused);
    assert_eq!(scene.send_by(1, "bob", 1, "hello"), sent, "what was acknowledged stays so");
    scene.send_by(2, "bob", 2, "back again").unwrap();
    scene.send_by(1, "ann", 1, "hello, bob").unwrap();
    scene.end_membership("bob", 2).unwrap();
    assert_eq!(scene.send_by(1, "bob", 3, "late"), refused, "a later end ends the earlier ones");
    assert_eq!(scene.send_by(2, "bob", 3, "late"), refused);
    let logged = ["1 bob: hello", "2 bob was removed (1)", "3 bob: back again", "4 ann: hello, bob"];
    assert_eq!(scene.log(), [&logged[..], &["5 bob was removed (2)"]].concat());
}

#[test]
fn a_membership_ends_once() {
    let scene = Scene::new();
    let ended = scene.end_membership("bob", 2);
    assert_eq!(scene.end_membership("bob", 2), ended);
    scene.end_membership("bob", 1).unwrap();
    scene.end_membership("cid", 2).unwrap();
    let logged = ["1 bob was removed (2)", "2 bob was removed (1)", "3 cid was removed (2)"];
    assert_eq!(scene.log(), logged);
    assert_eq!(scene.transport.brought(), logged);
}

#[test]
fn a_transport_that_fails_or_lies_costs_no_acknowledgement_and_no_record() {
    let scene = Scene::new();
    for (id, manner) in [(1, Manner::Fails), (2, Manner::Lies), (3, Manner::Brings)] {
        scene.transport.set(manner);
        assert_eq!(scene.send("ann", id, "hello").unwrap().position.sequence.0, id as u64);
    }
    assert_eq!(scene.log(), ["1 ann: hello", "2 ann: hello", "3 ann: hello"]);
    assert_eq!(scene.transport.brought(), ["3 ann: hello"]);
}

#[test]
fn nobody_sees_what_history_does_not_have() {
    let scene = Scene::new();
    scene.send("ann", 1, "hello").unwrap();
    scene.faults.plan("append", Fault::CallLost);
    assert_eq!(scene.send("ann", 2, "lost"), Err(lost().into()));
    scene.faults.plan("append", Fault::ReplyLost);
    assert_eq!(scene.send("ann", 3, "stored"), Err(lost().into()));
    assert_eq!(scene.send("ann", 3, "stored").unwrap().position.sequence, Sequence(2));
    scene.end_membership("ann", 1).unwrap();
    assert_eq!(scene.log(), ["1 ann: hello", "2 ann: stored", "3 ann was removed (1)"]);
    assert_eq!(scene.transport.brought_before_stored(), [] as [&str; 0]);
}

#[test]
fn the_control_shows_what_history_lacks_and_doubles_it() {
    let scene = Scene::with(WriteOrder::DeliverThenStore);
    scene.faults.plan("put", Fault::CallLost);
    assert_eq!(scene.send("ann", 1, "hello"), Err(lost().into()));
    assert_eq!((scene.transport.brought(), scene.log()), (vec!["1 ann: hello".into()], vec![]));
    assert_eq!(scene.transport.brought_before_stored(), ["1 ann: hello"]);
    assert_eq!(scene.send("ann", 1, "hello").unwrap().position.sequence, Sequence(2));
    assert_eq!(scene.transport.brought(), ["1 ann: hello", "2 ann: hello"], "everybody has it twice");
    assert_eq!(scene.log(), ["2 ann: hello"], "and 1 is a hole for ever");
}

#[test]
fn the_control_does_what_it_should_while_nothing_fails() {
    let scene = Scene::with(WriteOrder::DeliverThenStore);
    let sent = scene.send("ann", 1, "hello");
    assert_eq!(scene.send("ann", 1, "hello"), sent);
    assert_eq!(scene.send("ann", 1, "goodbye"), Err(MessageError::OtherText { id: MessageId(1) }));
    scene.end_membership("ann", 1).unwrap();
    assert_eq!(scene.log(), ["1 ann: hello", "2 ann was removed (1)"]);
    assert_eq!(scene.transport.brought(), scene.log());
}

#[test]
fn history_is_read_from_both_ends_and_from_between() {
    let scene = Scene::new();
    assert_eq!(numbers(&scene, Start::End, 10), [] as [u64; 0]);
    for id in 1..=5 {
        scene.send("ann", id, "hello").unwrap();
    }
    let (after, before) = (|number| Start::After(Sequence(number)), |number| Start::Before(Sequence(number)));
    let expected: [(Start, u32, &[u64]); 12] = [
        (after(0), 10, &[1, 2, 3, 4, 5]),
        (after(0), 2, &[1, 2]),
        (after(3), 10, &[4, 5]),
        (after(5), 10, &[]),
        (after(9), 10, &[]),
        (before(4), 10, &[1, 2, 3]),
        (before(4), 2, &[2, 3]),
        (before(1), 10, &[]),
        (before(9), 2, &[4, 5]),
        (Start::End, 2, &[4, 5]),
        (Start::End, 10, &[1, 2, 3, 4, 5]),
        (Start::End, 0, &[]),
    ];
    for (from, limit, records) in expected {
        assert_eq!(numbers(&scene, from, limit), records, "{from:?} {limit}");
    }
}

#[test]
fn a_page_has_so_many_records_and_no_more() {
    let scene = Scene::new();
    for id in 0..=MAX_RECORDS {
        scene.send("ann", id.into(), "hello").unwrap();
    }
    let most = u64::from(MAX_RECORDS);
    assert_eq!(numbers(&scene, Start::After(Sequence(0)), u32::MAX), (1..=most).collect::<Vec<_>>());
    assert_eq!(numbers(&scene, Start::End, u32::MAX), (2..=most + 1).collect::<Vec<_>>());
}

#[test]
fn a_record_in_history_is_the_one_that_was_sent() {
    let scene = Scene::new();
    let sent = scene.send("ann", 7, "hello").unwrap();
    let query = HistoryQuery { room: ROOM, from: Start::End, limit: 1 };
    let history = at_once(scene.messages.history(query)).unwrap();
    let record = &history.records[0];
    assert_eq!((record.room, record.position, record.at), (ROOM, sent.position, START));
    assert_eq!((line(record), history.end), ("1 ann: hello".into(), sent.position));
}

#[test]
fn a_marker_never_goes_back_and_not_behind_the_end() {
    let scene = Scene::new();
    assert_eq!(marker(&scene, "ann"), Ok(0));
    assert_eq!(mark(&scene, 1), Err(MessageError::NotWritten { end: Sequence(0) }));
    for id in 1..=3 {
        scene.send("bob", id, "hello").unwrap();
    }
    for (marked, stored) in [(2, 2), (1, 2), (2, 2), (3, 3), (0, 3)] {
        assert_eq!(mark(&scene, marked), Ok(stored));
        assert_eq!(marker(&scene, "ann"), Ok(stored));
    }
    assert_eq!(mark(&scene, 4), Err(MessageError::NotWritten { end: Sequence(3) }));
    assert_eq!(
        (marker(&scene, "ann"), marker(&scene, "bob")),
        (Ok(3), Ok(0)),
        "each has a marker of their own"
    );
}

#[test]
fn one_call_is_about_so_many_rooms_and_no_more() {
    let scene = Scene::new();
    let rooms = |number: usize| RoomIds((0..number as u128).map(RoomId).collect());
    let Positions(positions) = at_once(scene.messages.positions(rooms(MAX_ROOMS_AT_ONCE))).unwrap();
    assert_eq!(positions.len(), MAX_ROOMS_AT_ONCE);
    let refused = at_once(scene.messages.positions(rooms(MAX_ROOMS_AT_ONCE + 1)));
    assert_eq!(refused, Err(MessageError::TooManyRooms));
    assert_eq!(at_once(scene.messages.positions(RoomIds(vec![]))), Ok(Positions(vec![])));
}

#[test]
fn a_log_whose_store_does_not_reply_says_so() {
    let scene = Scene::new();
    scene.send("ann", 1, "hello").unwrap();
    for call in ["history", "positions", "mark", "marker"] {
        scene.faults.plan(call, Fault::ReplyLost);
    }
    let query = HistoryQuery { room: ROOM, from: Start::End, limit: 1 };
    assert_eq!(at_once(scene.messages.history(query)), Err(lost().into()));
    assert_eq!(mark(&scene, 1), Err(lost().into()), "nobody knows the end");
    assert_eq!(mark(&scene, 1), Err(lost().into()), "nobody knows the marker");
    assert_eq!(marker(&scene, "ann"), Err(lost().into()));
    assert_eq!(marker(&scene, "ann"), Ok(1));
}
