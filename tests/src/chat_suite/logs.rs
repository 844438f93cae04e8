//! What was said, over HTTP.

use chat::MessageId;
use http::Method;
use serde_json::json;

use super::{Scene, further};

pub(super) fn a_message_is_stored_once(scene: &Scene<'_>) {
    let (ann, bob) = (scene.person("ann"), scene.person("bob"));
    let room = scene.room(&ann, &[&bob]);
    let id = MessageId(1);
    let first = scene.send(&ann, room, id, "hello");
    let again = scene.send(&ann, room, id, "hello");
    assert_eq!((first.status, again.status), (201, 201), "{first:?} {again:?}");
    assert_eq!(first.json(), again.json());
    scene.send(&ann, room, id, "good-bye").is_problem(409, "message-reused");
    assert_eq!(scene.send(&bob, room, id, "the same id, of another").status, 201);
    let (records, end) = scene.history(&ann, room, "");
    assert_eq!(records, ["1 ann: hello", "2 bob: the same id, of another"]);
    assert_eq!(end, further(&first.text("position"), 1));
    let texts = [("", 422), ("\0", 422), (&*"x".repeat(4_001), 422), (&*"\u{1f375}".repeat(4_000), 201)];
    for (number, (text, status)) in (10..).zip(texts) {
        assert_eq!(scene.send(&ann, room, MessageId(number), text).status, status, "{text:.10}");
    }
    scene
        .ask(&ann, &Method::POST, &format!("/rooms/{room}/messages"), Some(json!({ "id": id })))
        .is_problem(400, "malformed");
}

pub(super) fn a_history_is_read_in_pages(scene: &Scene<'_>) {
    let ann = scene.person("ann");
    let room = scene.room(&ann, &[]);
    assert_eq!(scene.history(&ann, room, "").0, [""; 0]);
    for number in 1..=12_u128 {
        assert_eq!(scene.send(&ann, room, MessageId(number), &number.to_string()).status, 201);
    }
    let numbers = |numbers: std::ops::RangeInclusive<u32>| -> Vec<_> {
        numbers.map(|number| format!("{number} ann: {number}")).collect()
    };
    let reads = [
        ("?limit=5", 8..=12),
        ("?before=8&limit=5", 3..=7),
        ("?before=3&limit=5", 1..=2),
        ("?after=0&limit=5", 1..=5),
        ("?after=10", 11..=12),
    ];
    for (query, expected) in reads {
        assert_eq!(scene.history(&ann, room, query).0, numbers(expected), "{query}");
    }
    assert_eq!(scene.history(&ann, room, "?after=99").0, [""; 0]);
    for (query, slug) in [
        ("?limit=0", "invalid-limit"),
        ("?limit=501", "invalid-limit"),
        ("?after=x", "invalid-after"),
        ("?before=-1", "invalid-before"),
        ("?before=9223372036854775808", "invalid-before"),
        ("?before=1&after=1", "invalid-before"),
    ] {
        let path = format!("/rooms/{room}/messages{query}");
        scene.ask(&ann, &Method::GET, &path, None).is_problem(422, slug);
    }
    let misspelt = format!("/rooms/{room}/messages?befor=1");
    scene.ask(&ann, &Method::GET, &misspelt, None).is_problem(400, "malformed");
}

pub(super) fn a_marker_never_goes_back(scene: &Scene<'_>) {
    let (ann, bob) = (scene.person("ann"), scene.person("bob"));
    let room = scene.room(&ann, &[&bob]);
    for number in 1..=3 {
        assert_eq!(scene.send(&ann, room, MessageId(number), "x").status, 201);
    }
    let path = format!("/rooms/{room}/marker");
    let mark = |sequence: u64| scene.ask(&bob, &Method::PUT, &path, Some(json!({ "sequence": sequence })));
    assert_eq!(scene.ask(&bob, &Method::GET, &path, None).json(), json!({ "sequence": 0 }));
    assert_eq!(mark(2).json(), json!({ "sequence": 2 }));
    assert_eq!(mark(1).json(), json!({ "sequence": 2 }));
    mark(4).is_problem(409, "not-written");
    assert_eq!(scene.ask(&bob, &Method::GET, &path, None).json(), json!({ "sequence": 2 }));
    assert_eq!(scene.ask(&ann, &Method::GET, &path, None).json(), json!({ "sequence": 0 }));
}
