//! The requests and replies of the public API.

use serde::Deserialize;

use super::{
    crowd::{Crowd, Entry, MessageKey},
    frames::{Position, Wire},
};
use crate::{
    http::{MAX_BODY, Method, Reply, RequestBuf},
    journeys::id::Id,
};

/// The most records, members and users of one page.
pub(super) const PAGE: usize = 500;
/// The bytes of a page of records that leave room in the largest reply, and those of a record beside its text.
const PAGE_BYTES: usize = MAX_BODY / 2;
const RECORD_BYTES: usize = 512;
/// How long a token is good for, in seconds: the longest time that there is.
const TOKEN_SECONDS: u32 = 86_400;
/// The header of a token.
const AUTHORIZATION: &str = "Authorization";

/// A reply with a token.
#[derive(Debug, Deserialize)]
struct TokenView {
    token: String,
}

#[derive(Debug, Deserialize)]
struct MessagesView<'a> {
    #[serde(borrow)]
    records: Vec<Wire<'a>>,
    end: String,
}

#[derive(Debug, Deserialize)]
struct SentView {
    position: String,
}

#[derive(Debug, Deserialize)]
struct PresenceView {
    online: Vec<String>,
    next: Option<String>,
}

/// A page of a room's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HistoryPage {
    pub(super) entries: Vec<Entry>,
    /// Where the log ends.
    pub(super) end: Position,
}

/// The members of a page who are online, and the member after whom the next page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PresencePage {
    pub(super) online: Vec<String>,
    pub(super) next: Option<String>,
}

/// Asks for a member's token.
pub(super) fn token(crowd: &Crowd, member: usize, request: &mut RequestBuf) {
    let body = format!(r#"{{"user":"{}","seconds":{TOKEN_SECONDS}}}"#, crowd.user(member));
    request.write_json(Method::Post, "/tokens", None, &body);
}

pub(super) fn read_token(reply: &Reply<'_>) -> Option<String> {
    let is_made = reply.status == 201;
    is_made.then(|| serde_json::from_slice::<TokenView>(reply.body).ok()).flatten().map(|view| view.token)
}

/// Makes a room.
pub(super) fn make_room(crowd: &Crowd, room: usize, token: &str, request: &mut RequestBuf) {
    let body = format!(r#"{{"id":"{}","name":"room {room}"}}"#, crowd.room_id(room));
    with_token(Method::Post, "/rooms", token, &body, request);
}

/// Adds members to their room.
pub(super) fn add(crowd: &Crowd, members: &[usize], token: &str, request: &mut RequestBuf) {
    let Some(first) = members.first() else { return };
    let users: Vec<String> = members.iter().map(|member| format!("\"{}\"", crowd.user(*member))).collect();
    let body = format!(r#"{{"users":[{}],"role":"member"}}"#, users.join(","));
    let room = crowd.room_id(crowd.room_of(*first));
    with_token(Method::Post, &format!("/rooms/{room}/members"), token, &body, request);
}

/// Removes a member.
pub(super) fn remove(crowd: &Crowd, member: usize, token: &str, request: &mut RequestBuf) {
    let (room, user) = (crowd.room_id(crowd.room_of(member)), crowd.user(member));
    let path = format!("/rooms/{room}/members/{user}");
    request.write_with(Method::Delete, path, (AUTHORIZATION, &bearer(token)));
}

/// Sends a message. It may be sent once more with the same id.
pub(super) fn post(crowd: &Crowd, key: MessageKey, token: &str, request: &mut RequestBuf) {
    let (room, id) = (crowd.room_id(key.room.into()), crowd.id(key));
    let body = format!(r#"{{"id":"{id}","text":"{}"}}"#, crowd.text(id));
    with_token(Method::Post, &format!("/rooms/{room}/messages"), token, &body, request);
}

/// The position of a message that was sent.
pub(super) fn read_sent(body: &[u8]) -> Option<Position> {
    Position::parse(&serde_json::from_slice::<SentView>(body).ok()?.position)
}

/// Asks for the records of a room after one.
pub(super) fn history(crowd: &Crowd, (room, after): (usize, u64), token: &str, request: &mut RequestBuf) {
    let limit = (PAGE_BYTES / (crowd.length + RECORD_BYTES)).clamp(1, PAGE);
    let path = format!("/rooms/{}/messages?after={after}&limit={limit}", crowd.room_id(room));
    request.write_with(Method::Get, path, (AUTHORIZATION, &bearer(token)));
}

/// Parses a page of a room's history; `None` if the reply is malformed.
pub(super) fn read_history(crowd: &Crowd, room: usize, reply: &Reply<'_>) -> Option<HistoryPage> {
    if reply.status != 200 {
        return None;
    }
    let view: MessagesView<'_> = serde_json::from_slice(reply.body).ok()?;
    let entry = |wire: Wire<'_>| {
        let record = wire.record().filter(|record| record.room == crowd.room_id(room))?;
        Some(crowd.entry(room, &record))
    };
    let entries = view.records.into_iter().map(entry).collect::<Option<Vec<_>>>()?;
    Some(HistoryPage { entries, end: Position::parse(&view.end)? })
}

/// Asks who of the members behind one is online.
pub(super) fn presence(room: Id, after: Option<&str>, token: &str, request: &mut RequestBuf) {
    let after = after.map_or(String::new(), |after| format!("&after={after}"));
    let path = format!("/rooms/{room}/presence?limit={PAGE}{after}");
    request.write_with(Method::Get, path, (AUTHORIZATION, &bearer(token)));
}

pub(super) fn read_presence(body: &[u8]) -> Option<PresencePage> {
    let PresenceView { online, next } = serde_json::from_slice(body).ok()?;
    Some(PresencePage { online, next })
}

/// The value of the header of a token.
pub(super) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn with_token(method: Method, path: &str, token: &str, body: &str, request: &mut RequestBuf) {
    request.write_json(method, path, Some((AUTHORIZATION, &bearer(token))), body);
}
