//! What comes over sockets.

use std::time::{Duration, Instant};

use chat::{MessageId, RoomId};
use http::Method;
use serde_json::json;

use super::{Person, Scene, Socket, further};
use crate::edge_suite::eventually;

fn open(scene: &Scene<'_>, room: RoomId, who: &Person, after: Option<&str>) -> Socket {
    Socket::open(scene.edge.address(), room, &who.token, after).expect("it is opened")
}

pub(super) fn every_member_gets_every_message_in_order(scene: &Scene<'_>) {
    let (ann, bob) = (scene.person("ann"), scene.person("bob"));
    let room = scene.room(&ann, &[&bob]);
    let (mut of_ann, mut of_bob) = (open(scene, room, &ann, None), open(scene, room, &bob, None));
    let begin = of_ann.ready();
    assert_eq!(of_bob.ready(), begin);
    for number in 1..=20_u128 {
        let (socket, name) = if number % 2 == 0 { (&mut of_bob, "bob") } else { (&mut of_ann, "ann") };
        let sent = socket.send(number, "x");
        assert_eq!(sent["type"], "sent", "{name}: {sent}");
        assert_eq!(sent["position"], further(&begin, number as i64));
    }
    assert_eq!(scene.send(&ann, room, MessageId(21), "x").status, 201);
    let expected: Vec<_> =
        (1..=21).map(|n| format!("{n} {}: x", if n % 2 == 0 { "bob" } else { "ann" })).collect();
    for socket in [&mut of_ann, &mut of_bob] {
        let got: Vec<_> = (1..=21).map(|_| socket.record().expect("a record")).collect();
        assert_eq!(got, expected);
    }
    assert_eq!(
        of_bob.send(20, "x")["position"],
        further(&begin, 20),
        "a repetition says what the first one did"
    );
    assert_eq!(of_bob.send(20, "y")["code"], "other-text");
    assert_eq!(of_ann.send(22, "last")["type"], "sent");
    for socket in [&mut of_ann, &mut of_bob] {
        assert_eq!(socket.record().expect("a record"), "22 ann: last", "nothing came of repetitions");
    }
}

pub(super) fn who_comes_back_gets_what_they_missed(scene: &Scene<'_>, is_recovered: bool) {
    let (ann, bob) = (scene.person("ann"), scene.person("bob"));
    let room = scene.room(&ann, &[&bob]);
    let mut of_ann = open(scene, room, &ann, None);
    let mut of_bob = open(scene, room, &bob, None);
    let begin = of_ann.ready();
    of_bob.ready();
    of_ann.send(1, "before");
    assert_eq!(of_bob.record().expect("a record"), "1 ann: before");
    of_bob.vanish();
    for number in 2..=5 {
        of_ann.send(number, "meanwhile");
    }
    let mut of_bob = open(scene, room, &bob, Some(&further(&begin, 1)));
    if is_recovered {
        assert_eq!(of_bob.ready(), further(&begin, 1));
        for number in 2..=5 {
            assert_eq!(of_bob.record().expect("a record"), format!("{number} ann: meanwhile"));
        }
    } else {
        assert_eq!(of_bob.ready(), further(&begin, 5), "nothing brings back what was missed");
    }
    // Somebody whom this process does not know of any more, or never has.
    of_bob.vanish();
    of_ann.send(6, "after");
    let mut again = open(scene, room, &bob, Some(&further(&begin, 5)));
    if is_recovered {
        assert_eq!(again.ready(), further(&begin, 5));
        assert_eq!(again.record().expect("a record"), "6 ann: after");
    } else {
        assert_eq!(again.ready(), further(&begin, 6));
    }
    of_ann.send(7, "live");
    assert_eq!(again.record().expect("a record"), "7 ann: live");
}

pub(super) fn a_position_that_is_none_of_this_log_is_refused(scene: &Scene<'_>, is_recovered: bool) {
    let (ann, bob) = (scene.person("ann"), scene.person("bob"));
    let room = scene.room(&ann, &[&bob]);
    let mut of_ann = open(scene, room, &ann, None);
    let begin = of_ann.ready();
    of_ann.send(1, "x");
    let (epoch, _) = begin.split_once(':').expect("a position");
    let other = format!("{}:0", epoch.parse::<u64>().expect("a number") ^ 1);
    let path = format!("/rooms/{room}/socket?token={}&after=1-1", bob.token);
    scene
        .edge
        .ask(&Method::GET, &path, &[("connection", "upgrade"), ("upgrade", "websocket")], "")
        .is_problem(422, "invalid-after");
    if is_recovered {
        let refused = |after: &str| open(scene, room, &bob, Some(after)).closed();
        assert_eq!((refused(&further(&begin, 2)), refused(&other)), (4010, 4009));
        for number in 2..=501 {
            assert_eq!(scene.send(&ann, room, MessageId(number), "x").status, 201);
        }
        assert_eq!(refused(&begin), 4011, "501 records are more than a socket brings");
        a_room_that_nobody_reads_yet_is_read_for_its_client_alone(scene, (&ann, &bob));
        let mut of_bob = open(scene, room, &bob, Some(&further(&begin, 1)));
        of_bob.ready();
        for number in 2..=501 {
            assert_eq!(of_bob.record().expect("a record"), format!("{number} ann: x"));
        }
    }
}

/// A process that has no connection to a room, as after its start, has no records of it in memory.
fn a_room_that_nobody_reads_yet_is_read_for_its_client_alone(
    scene: &Scene<'_>,
    (ann, bob): (&Person, &Person),
) {
    let room = scene.room(ann, &[bob]);
    // More than the 128 KiB that a socket brings.
    let text = "x".repeat(4_000);
    let sent: Vec<_> = (1..=33).map(|number| scene.send(ann, room, MessageId(number), &text)).collect();
    let first = sent[0].text("position");
    let mut too_far = open(scene, room, bob, Some(&further(&first, -1)));
    assert_eq!((too_far.ready(), too_far.record()), (further(&first, -1), Err(4011)), "whole or not at all");
    let mut of_bob = open(scene, room, bob, Some(&further(&first, 22)));
    of_bob.ready();
    for number in 24..=33 {
        assert_eq!(of_bob.record().expect("a record"), format!("{number} ann: {text}"));
    }
}

pub(super) fn who_is_removed_receives_nothing_more(scene: &Scene<'_>) {
    let (ann, bob) = (scene.person("ann"), scene.person("bob"));
    let room = scene.room(&ann, &[&bob]);
    let (mut of_ann, mut of_bob) = (open(scene, room, &ann, None), open(scene, room, &bob, None));
    let begin = of_ann.ready();
    of_bob.ready();
    of_bob.send(1, "I am here");
    assert_eq!(scene.remove(&ann, room, "bob").status, 204);
    of_ann.send(2, "is he gone?");
    let mut got = Vec::new();
    let code = loop {
        match of_bob.record() {
            Ok(record) => got.push(record),
            Err(code) => break code,
        }
    };
    assert_eq!(code, 4003);
    assert!(got.iter().all(|record| ["1 bob: I am here", "2 -bob"].contains(&record.as_str())), "{got:?}");
    let again = Socket::open(scene.edge.address(), room, &bob.token, Some(&begin));
    assert_eq!(again.err(), Some(403));
    scene.send(&bob, room, MessageId(3), "let me in").is_problem(403, "not-a-member");
    for expected in ["1 bob: I am here", "2 -bob", "3 ann: is he gone?"] {
        assert_eq!(of_ann.record().expect("a record"), expected);
    }
    // Let in again, he reads on from where he was, and the old removal does not end the new membership.
    assert_eq!(scene.add(&ann, room, &json!({ "users": ["bob"], "role": "member" })).status, 200);
    let mut of_bob = open(scene, room, &bob, None);
    assert_eq!(of_bob.ready(), further(&begin, 3));
    of_ann.send(4, "welcome back");
    assert_eq!(of_bob.record().expect("a record"), "4 ann: welcome back");
}

pub(super) fn what_is_no_message_ends_the_conversation(scene: &Scene<'_>) {
    let ann = scene.person("ann");
    let room = scene.room(&ann, &[]);
    let id = MessageId(1);
    let malformed = [
        "hello".to_owned(),
        "{}".to_owned(),
        json!({ "type": "dance" }).to_string(),
        json!({ "type": "send", "id": "x", "text": "x" }).to_string(),
        json!({ "type": "send", "id": id, "text": "" }).to_string(),
        json!({ "type": "send", "id": id, "text": "x".repeat(4_001) }).to_string(),
        json!({ "type": "send", "id": id, "text": "x", "more": 1 }).to_string(),
        json!({ "type": "read", "sequence": 1 }).to_string(),
    ];
    let fresh = || {
        let mut socket = open(scene, room, &ann, None);
        socket.ready();
        socket
    };
    for text in malformed {
        let mut socket = fresh();
        socket.say(&text);
        assert_eq!(socket.closed(), 4000, "{text:.60}");
    }
    let mut socket = fresh();
    socket.say_binary(b"hello");
    assert_eq!(socket.closed(), 1003);
    let mut socket = fresh();
    socket.say(&"x".repeat(65 * 1_024));
    assert_eq!(socket.closed(), 1009);
    assert_eq!(scene.history(&ann, room, "").0, [""; 0]);
}

pub(super) fn a_socket_needs_a_token_and_a_membership(scene: &Scene<'_>) {
    let (ann, bob) = (scene.person("ann"), scene.person("bob"));
    let (room, unknown) = (scene.room(&ann, &[]), RoomId(1 << 100));
    let status = |room, token: &str| Socket::open(scene.edge.address(), room, token, None).err();
    assert_eq!(status(room, ""), Some(401));
    assert_eq!(status(room, "ann.9999999999999.AAAA"), Some(401));
    assert_eq!(status(room, &bob.token), Some(403));
    assert_eq!(status(unknown, &ann.token), Some(404));
    scene.ask(&ann, &Method::GET, &format!("/rooms/{room}/socket"), None).is_problem(426, "upgrade-required");
}

pub(super) fn a_token_that_ends_ends_its_connections(scene: &Scene<'_>) {
    let (ann, bob) = (scene.person("ann"), scene.person_for("bob", 2));
    let room = scene.room(&ann, &[&bob]);
    let mut of_bob = open(scene, room, &bob, None);
    of_bob.ready();
    assert_eq!(of_bob.closed(), 4001);
}

pub(super) fn a_flood_is_told_to_slow_down_and_then_closed(scene: &Scene<'_>) {
    let ann = scene.person("ann");
    let room = scene.room(&ann, &[]);
    let mut socket = open(scene, room, &ann, None);
    socket.ready();
    let began = Instant::now();
    for id in 1..=1_000 {
        socket.say(&json!({ "type": "send", "id": MessageId(id), "text": "x" }).to_string());
    }
    let (mut stored, mut slowed) = (0, 0);
    let code = loop {
        match socket.reply() {
            Ok(reply) if reply["type"] == "sent" => stored += 1,
            Ok(reply) => {
                assert!(reply["wait_ms"].as_u64().is_some_and(|wait| wait <= 100), "{reply}");
                slowed += 1;
            }
            Err(code) => break code,
        }
    };
    // 100 at once and 50 a second, in the time that it took.
    let most = 100.0 + 50.0 * began.elapsed().as_secs_f64();
    assert!(code == 4029 && slowed >= 100, "{code} after {slowed}, and {stored} were stored");
    assert!(f64::from(stored) <= most, "{stored} were stored in {:?}", began.elapsed());
    // Whatever a client says costs a call.
    let mut of_markers = open(scene, room, &ann, None);
    of_markers.ready();
    for _ in 0..1_000 {
        of_markers.say(&json!({ "type": "read", "sequence": 0 }).to_string());
    }
    assert_eq!(of_markers.closed(), 4029);
}

pub(super) fn who_is_online_is_known(scene: &Scene<'_>) {
    let [ann, bob] = ["ann", "bob"].map(|name| scene.person(&format!("{name}-{}", scene.rooms.get())));
    let room = scene.room(&ann, &[&bob]);
    let online = || {
        let reply = scene.ask(&ann, &Method::GET, &format!("/rooms/{room}/presence"), None);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["online"].as_array().expect("users").clone()
    };
    assert!(online().is_empty());
    let mut first = open(scene, room, &bob, None);
    let mut second = open(scene, room, &bob, None);
    first.ready();
    second.ready();
    let within = Duration::from_secs(20);
    eventually(within, "bob is online", || (online() == [json!(bob.name)]).then_some(()));
    first.vanish();
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(online(), [json!(bob.name)], "another device of his is connected");
    second.vanish();
    eventually(within, "bob is offline", || online().is_empty().then_some(()));
}
