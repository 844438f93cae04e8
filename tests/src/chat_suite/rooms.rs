//! Tokens, rooms and members.

use chat::{MessageId, RoomId};
use http::Method;
use serde_json::json;

use super::{JSON, Scene};

pub(super) fn a_token_says_who_one_is(scene: &Scene<'_>) {
    for (body, slug) in [
        (json!({ "user": "" }), "invalid-user"),
        (json!({ "user": "Ann" }), "invalid-user"),
        (json!({ "user": "a".repeat(33) }), "invalid-user"),
        (json!({ "user": "ann", "seconds": 0 }), "invalid-seconds"),
        (json!({ "user": "ann", "seconds": 86_401 }), "invalid-seconds"),
    ] {
        scene.edge.ask(&Method::POST, "/tokens", JSON, body.to_string()).is_problem(422, slug);
    }
    scene.edge.ask(&Method::POST, "/tokens", JSON, "{").is_problem(400, "malformed");
    scene.edge.ask(&Method::POST, "/tokens", &[], "{}").is_problem(415, "not-json");
    let room = RoomId(77);
    let paths = [
        (Method::GET, format!("/rooms/{room}")),
        (Method::GET, format!("/rooms/{room}/members")),
        (Method::DELETE, format!("/rooms/{room}/members/ann")),
        (Method::GET, format!("/rooms/{room}/messages")),
        (Method::GET, format!("/rooms/{room}/marker")),
        (Method::GET, format!("/rooms/{room}/presence")),
    ];
    for (method, path) in paths {
        scene.edge.ask(&method, &path, &[], "").is_problem(401, "unauthorized");
        let forged = [("authorization", "Bearer ann.9999999999999.AAAA")];
        scene.edge.ask(&method, &path, &forged, "").is_problem(401, "unauthorized");
    }
}

pub(super) fn a_room_is_made_once(scene: &Scene<'_>) {
    let (ann, bob) = (scene.person("ann"), scene.person("bob"));
    let room = scene.room(&ann, &[]);
    let again = scene.ask(&ann, &Method::POST, "/rooms", Some(json!({ "id": room, "name": "Tea" })));
    let shown = scene.ask(&ann, &Method::GET, &format!("/rooms/{room}"), None);
    assert_eq!((again.status, shown.status), (201, 200));
    assert_eq!(again.json(), shown.json());
    for (by, name) in [(&bob, "Tea"), (&ann, "Coffee")] {
        let body = json!({ "id": room, "name": name });
        scene.ask(by, &Method::POST, "/rooms", Some(body)).is_problem(409, "room-taken");
    }
    let bodies = [
        (json!({ "id": "x", "name": "Tea" }), "invalid-id"),
        (json!({ "id": room, "name": "" }), "invalid-name"),
        (json!({ "id": room, "name": "a\nb" }), "invalid-name"),
    ];
    for (body, slug) in bodies {
        scene.ask(&ann, &Method::POST, "/rooms", Some(body)).is_problem(422, slug);
    }
    scene.ask(&bob, &Method::GET, &format!("/rooms/{room}"), None).is_problem(403, "not-a-member");
    let unknown = RoomId(1 << 100);
    scene.ask(&ann, &Method::GET, &format!("/rooms/{unknown}"), None).is_problem(404, "no-such-room");
    scene.ask(&ann, &Method::GET, "/rooms/tea", None).is_problem(404, "no-such-room");
}

pub(super) fn owners_add_and_remove_members(scene: &Scene<'_>) {
    let [ann, bob, cy] = ["ann", "bob", "cy"].map(|name| scene.person(name));
    let room = scene.room(&ann, &[&bob]);
    let one = |name: &str| json!({ "users": [name], "role": "member" });
    scene.add(&bob, room, &one("cy")).is_problem(403, "not-an-owner");
    scene.add(&cy, room, &one("cy")).is_problem(403, "not-a-member");
    scene.remove(&bob, room, "ann").is_problem(403, "not-an-owner");
    scene.remove(&ann, room, "ann").is_problem(409, "last-owner");
    scene.add(&ann, room, &json!({ "users": [], "role": "member" })).is_problem(422, "invalid-users");
    scene.add(&ann, room, &json!({ "users": ["C Y"], "role": "member" })).is_problem(422, "invalid-users");
    scene.add(&ann, room, &json!({ "users": ["cy"], "role": "king" })).is_problem(400, "malformed");
    let many: Vec<_> = (0..1_001).map(|number| format!("m{number}")).collect();
    scene.add(&ann, room, &json!({ "users": many, "role": "member" })).is_problem(422, "invalid-users");
    let promoted = scene.add(&ann, room, &json!({ "users": ["bob", "cy"], "role": "owner" }));
    assert_eq!((promoted.status, promoted.json()["members"].clone()), (200, json!(3)));
    assert_eq!(scene.remove(&bob, room, "ann").status, 204);
    scene.ask(&ann, &Method::GET, &format!("/rooms/{room}"), None).is_problem(403, "not-a-member");
    scene.send(&ann, room, MessageId(1), "still here").is_problem(403, "not-a-member");
    // It is done already, and whoever it is about may do it.
    assert_eq!(scene.remove(&bob, room, "ann").status, 204);
    assert_eq!(scene.remove(&cy, room, "cy").status, 204);
    assert_eq!(scene.history(&bob, room, "").0, ["1 -ann", "2 -cy"]);
    let unknown = RoomId(1 << 100);
    scene.add(&ann, unknown, &one("cy")).is_problem(404, "no-such-room");
    scene.remove(&ann, unknown, "cy").is_problem(404, "no-such-room");
}

pub(super) fn members_are_listed_in_pages(scene: &Scene<'_>) {
    let ann = scene.person("ann");
    let room = scene.room(&ann, &[]);
    let names: Vec<_> = (0..25).map(|number| format!("m{number:02}")).collect();
    assert_eq!(scene.add(&ann, room, &json!({ "users": names, "role": "member" })).status, 200);
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/rooms/{room}/members?limit=10{after}");
        let page = scene.ask(&ann, &Method::GET, &path, None).json();
        let members = page["members"].as_array().expect("members").clone();
        seen.extend(members.iter().map(|member| member["user"].as_str().expect("a name").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, [&["ann".to_owned()], &names[..]].concat());
    for query in ["?limit=0", "?limit=1001", "?limit=+1"] {
        let path = format!("/rooms/{room}/members{query}");
        scene.ask(&ann, &Method::GET, &path, None).is_problem(422, "invalid-limit");
    }
    let path = format!("/rooms/{room}/members?after=A");
    scene.ask(&ann, &Method::GET, &path, None).is_problem(422, "invalid-after");
}
