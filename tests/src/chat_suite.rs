//! The promises of the chat's public API, one behaviour per function, for any wiring.
//!
//! `socket` is a client of a room's socket; `rooms`, `logs` and `talk` are the behaviours.

mod logs;
mod rooms;
mod socket;
mod talk;

use std::cell::Cell;

use chat::{MessageId, RoomId};
use chat_app::axes::Recovery;
use design::Wiring;
use http::Method;
use serde_json::{Value, json};
pub use socket::Socket;

use crate::{
    described,
    edge_client::{EdgeClient, Reply},
};

/// A client of a chat.
pub fn client(address: std::net::SocketAddr) -> EdgeClient {
    EdgeClient::of(address, route)
}

/// The route for a path.
fn route(path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or_default();
    match path.split('/').collect::<Vec<_>>()[..] {
        ["", "tokens"] => "/tokens",
        ["", "rooms"] => "/rooms",
        ["", "openapi.json"] => "/openapi.json",
        ["", "rooms", _] => "/rooms/{room}",
        ["", "rooms", _, "members"] => "/rooms/{room}/members",
        ["", "rooms", _, "members", _] => "/rooms/{room}/members/{user}",
        ["", "rooms", _, "messages"] => "/rooms/{room}/messages",
        ["", "rooms", _, "marker"] => "/rooms/{room}/marker",
        ["", "rooms", _, "presence"] => "/rooms/{room}/presence",
        ["", "rooms", _, "socket"] => "/rooms/{room}/socket",
        _ => "none",
    }
}

/// The schema of a reply.
fn shown(method: &str, route: &str) -> &'static str {
    match (method, route) {
        (_, "/tokens") => "TokenShown",
        (_, "/rooms" | "/rooms/{room}") => "RoomShown",
        ("POST", "/rooms/{room}/members") => "AddedShown",
        (_, "/rooms/{room}/members") => "MembersShown",
        ("POST", "/rooms/{room}/messages") => "SentShown",
        (_, "/rooms/{room}/messages") => "HistoryShown",
        (_, "/rooms/{room}/marker") => "Marker",
        (_, "/rooms/{room}/presence") => "OnlineShown",
        _ => "none",
    }
}

/// Runs every behaviour against one edge of a fresh wiring.
pub fn behaves(edge: &EdgeClient, wiring: &Wiring) {
    let scene = Scene { edge, rooms: Cell::new(1) };
    rooms::a_token_says_who_one_is(&scene);
    rooms::a_room_is_made_once(&scene);
    rooms::owners_add_and_remove_members(&scene);
    rooms::members_are_listed_in_pages(&scene);
    logs::a_message_is_stored_once(&scene);
    logs::a_history_is_read_in_pages(&scene);
    logs::a_marker_never_goes_back(&scene);
    talk::every_member_gets_every_message_in_order(&scene);
    talk::who_comes_back_gets_what_they_missed(&scene, wiring.choice::<Recovery>() != Recovery::None);
    talk::a_position_that_is_none_of_this_log_is_refused(
        &scene,
        wiring.choice::<Recovery>() != Recovery::None,
    );
    talk::who_is_removed_receives_nothing_more(&scene);
    talk::what_is_no_message_ends_the_conversation(&scene);
    talk::a_socket_needs_a_token_and_a_membership(&scene);
    talk::a_token_that_ends_ends_its_connections(&scene);
    talk::a_flood_is_told_to_slow_down_and_then_closed(&scene);
    talk::who_is_online_is_known(&scene);
    described::every_text_is_bounded(edge);
    described::has_each_of(edge, &chat_app::edge::PRIORITIES);
    described::everything_that_was_seen(edge, shown);
}

/// An edge, and names that nobody has used there.
struct Scene<'a> {
    edge: &'a EdgeClient,
    rooms: Cell<u128>,
}

/// Somebody, with their token.
#[derive(Clone, Debug)]
struct Person {
    name: String,
    token: String,
}

impl Scene<'_> {
    /// Somebody.
    fn person(&self, name: &str) -> Person {
        self.person_for(name, 3_600)
    }

    fn person_for(&self, name: &str, seconds: u64) -> Person {
        let body = json!({ "user": name, "seconds": seconds });
        let reply = self.edge.ask(&Method::POST, "/tokens", JSON, body.to_string());
        assert_eq!((reply.status, reply.text("user")), (201, name.to_owned()), "{reply:?}");
        Person { name: name.to_owned(), token: reply.text("token") }
    }

    /// A request of somebody.
    fn ask(&self, by: &Person, method: &Method, path: &str, body: Option<Value>) -> Reply {
        let bearer = format!("Bearer {}", by.token);
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(body.is_some().then_some(JSON[0]));
        self.edge.ask(method, path, &headers, body.map(|body| body.to_string()).unwrap_or_default())
    }

    /// A new room of somebody, with these members.
    fn room(&self, by: &Person, members: &[&Person]) -> RoomId {
        let room = RoomId(self.rooms.replace(self.rooms.get() + 1));
        let made = self.ask(by, &Method::POST, "/rooms", Some(json!({ "id": room, "name": "Tea" })));
        assert_eq!((made.status, made.text("by")), (201, by.name.clone()), "{made:?}");
        if !members.is_empty() {
            let names: Vec<_> = members.iter().map(|member| &member.name).collect();
            let added = self.add(by, room, &json!({ "users": names, "role": "member" }));
            assert_eq!(added.status, 200, "{added:?}");
        }
        room
    }

    fn add(&self, by: &Person, room: RoomId, body: &Value) -> Reply {
        self.ask(by, &Method::POST, &format!("/rooms/{room}/members"), Some(body.clone()))
    }

    fn remove(&self, by: &Person, room: RoomId, user: &str) -> Reply {
        self.ask(by, &Method::DELETE, &format!("/rooms/{room}/members/{user}"), None)
    }

    fn send(&self, by: &Person, room: RoomId, id: MessageId, text: &str) -> Reply {
        let body = json!({ "id": id, "text": text });
        self.ask(by, &Method::POST, &format!("/rooms/{room}/messages"), Some(body))
    }

    /// What a page of the history says, and where the log ends.
    fn history(&self, by: &Person, room: RoomId, query: &str) -> (Vec<String>, String) {
        let reply = self.ask(by, &Method::GET, &format!("/rooms/{room}/messages{query}"), None);
        assert_eq!(reply.status, 200, "{reply:?}");
        let records = reply.json()["records"].as_array().expect("records").clone();
        (records.iter().map(said).collect(), reply.text("end"))
    }
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// A record in short: `3 ann: hello`, or `4 -bob`.
fn said(record: &Value) -> String {
    let sequence = &record["sequence"];
    let word = |member: &str| record[member].as_str().unwrap_or_default().to_owned();
    match record["type"].as_str() {
        Some("message") => format!("{sequence} {}: {}", word("sender"), word("text")),
        Some("removed") => format!("{sequence} -{}", word("user")),
        _ => panic!("no record: {record}"),
    }
}

/// The position that is so many records further.
fn further(position: &str, by: i64) -> String {
    let (epoch, sequence) = position.split_once(':').expect("a position");
    let sequence: i64 = sequence.parse().expect("a number");
    format!("{epoch}:{}", sequence + by)
}
