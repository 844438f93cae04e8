//! Rooms, their logs, and who reads them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    net::{Shutdown, SocketAddr, TcpStream},
};

use serde_json::{Value, json};

use super::{Misdeed, wire::frame};
use crate::support::{Answer, Request};

/// The epoch of every log.
const EPOCH: u64 = 77;
/// The kinds of frames.
const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// Everything that the fake knows.
pub(super) struct Rooms {
    pub(super) misdeed: Misdeed,
    by_id: BTreeMap<String, Room>,
    /// The addresses to which the connections of each user came, in order.
    pub(super) visits: BTreeMap<String, Vec<SocketAddr>>,
    sockets: usize,
    /// Whoever was ever online.
    was_online: BTreeSet<String>,
}

#[derive(Default)]
struct Room {
    owner: String,
    members: BTreeSet<String>,
    log: Vec<Value>,
    /// How many messages were sent.
    sent: u64,
    readers: BTreeMap<usize, Reader>,
}

/// A connection that reads.
pub(super) struct Reader {
    stream: TcpStream,
    user: String,
    is_silent: bool,
    /// How many records it was given.
    given: u64,
    /// A record that waits for the next one.
    held: Option<Value>,
}

/// Where a socket belongs.
pub(super) struct SocketPlace {
    pub(super) room: String,
    pub(super) user: String,
    pub(super) after: Option<String>,
}

fn position(sequence: usize) -> String {
    format!("{EPOCH}:{sequence}")
}

fn reply(status: u16, body: &Value) -> Answer {
    Answer::status(status, "", &body.to_string())
}

fn problem(status: u16) -> Answer {
    reply(status, &json!({ "type": "about:blank", "status": status }))
}

impl Default for Rooms {
    fn default() -> Self {
        Self {
            misdeed: Misdeed::None,
            by_id: BTreeMap::new(),
            visits: BTreeMap::new(),
            sockets: 0,
            was_online: BTreeSet::new(),
        }
    }
}

impl Reader {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, user: String::new(), is_silent: false, given: 0, held: None }
    }

    fn send(&mut self, frame_of: &Value) {
        // Whoever has gone is found out by the thread that reads.
        let _ = self.stream.write_all(&frame(TEXT, frame_of.to_string().as_bytes()));
    }

    fn close(&mut self, code: u16) {
        let _ = self.stream.write_all(&frame(CLOSE, &code.to_be_bytes()));
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Gives a record to a reader; every fifth to one that a misdeed concerns is given otherwise.
    fn give(&mut self, record: &Value, misdeed: Misdeed) {
        if self.is_silent {
            return;
        }
        self.given += 1;
        let is_fifth = self.given.is_multiple_of(5);
        if let Some(mut held) = self.held.take() {
            let mut record = record.clone();
            if misdeed == Misdeed::SwapsNumbers {
                std::mem::swap(&mut held["sequence"], &mut record["sequence"]);
            }
            self.send(&record);
            return self.send(&held);
        }
        match misdeed {
            Misdeed::SkipsDeliveries if is_fifth => {}
            Misdeed::ReordersDeliveries | Misdeed::SwapsNumbers if is_fifth => {
                self.held = Some(record.clone());
            }
            Misdeed::DoublesDeliveries if is_fifth => {
                self.send(record);
                self.send(record);
            }
            Misdeed::ChangesTexts if is_fifth => {
                let mut record = record.clone();
                record["text"] = json!("something else");
                self.send(&record);
            }
            _ => self.send(record),
        }
    }
}

impl Room {
    /// Appends a record, and delivers it unless somebody forbids it.
    fn append(&mut self, mut record: Value, misdeed: Misdeed, is_delivered: bool) -> usize {
        let sequence = self.log.len() + 1;
        record["sequence"] = json!(sequence);
        record["at_ms"] = json!(0);
        if is_delivered {
            self.deliver(&record, misdeed);
        }
        self.log.push(record);
        sequence
    }

    fn deliver(&mut self, record: &Value, misdeed: Misdeed) {
        // Misdeeds of deliveries concern the third member.
        let third = self.members.iter().nth(2).cloned();
        for reader in self.readers.values_mut() {
            let concerned = third.as_ref() == Some(&reader.user);
            reader.give(record, if concerned { misdeed } else { Misdeed::None });
        }
    }

    fn place_of(&self, sender: &str, id: &Value) -> Option<usize> {
        self.log.iter().position(|record| record["id"] == *id && record["sender"] == sender).map(|at| at + 1)
    }
}

impl Rooms {
    /// The user of a request, and whether the room is theirs.
    fn user(request: &Request) -> Option<String> {
        let token = request.header("authorization")?.strip_prefix("Bearer token-")?;
        Some(token.to_owned())
    }

    pub(super) fn open(&self) -> usize {
        self.by_id.values().map(|room| room.readers.len()).sum()
    }

    pub(super) fn close_all(&mut self) {
        for reader in self.by_id.values_mut().flat_map(|room| room.readers.values_mut()) {
            reader.close(1012);
        }
    }

    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let path: Vec<&str> = path.split('/').skip(1).collect();
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        if path == ["tokens"] {
            let user = body["user"].as_str().unwrap();
            return reply(201, &json!({ "token": format!("token-{user}"), "user": user, "expires_ms": 0 }));
        }
        let Some(user) = Self::user(request) else { return problem(401) };
        if path == ["rooms"] {
            let room = self.by_id.entry(body["id"].as_str().unwrap().to_owned()).or_default();
            room.members.insert(user.clone());
            room.owner.clone_from(&user);
            return reply(201, &json!({ "id": body["id"], "name": body["name"], "by": user, "made_ms": 0 }));
        }
        let misdeed = self.misdeed;
        let Some(room) = self.by_id.get_mut(path[1]) else { return problem(404) };
        if !room.members.contains(&user) {
            return problem(403);
        }
        match (request.method.as_str(), &path[2..]) {
            ("POST", ["members"]) => {
                let users = body["users"].as_array().unwrap();
                room.members.extend(users.iter().map(|user| user.as_str().unwrap().to_owned()));
                reply(200, &json!({ "members": room.members.len() }))
            }
            ("DELETE", ["members", removed]) => {
                if misdeed == Misdeed::KeepsRemoved {
                    return Answer::status(204, "", "");
                }
                self.remove(path[1], removed)
            }
            ("GET", ["messages"]) if misdeed == Misdeed::HidesHistories => problem(500),
            ("GET", ["messages"]) => {
                let after: usize = parameter(query, "after").unwrap().parse().unwrap();
                // A page smaller than a client asks for.
                let records: Vec<&Value> = room.log.iter().skip(after).take(7).collect();
                reply(200, &json!({ "records": records, "end": position(room.log.len()) }))
            }
            ("POST", ["messages"]) => {
                let message = json!({
                    "type": "message", "room": path[1], "sender": user, "id": body["id"], "text": body["text"],
                });
                let place = room.place_of(&user, &body["id"]);
                let sequence = place.unwrap_or_else(|| room.append(message, misdeed, true));
                reply(201, &json!({ "position": position(sequence), "at_ms": 0 }))
            }
            ("GET", ["presence"]) => self.presence(path[1], parameter(query, "after").unwrap_or_default()),
            _ => problem(404),
        }
    }

    fn remove(&mut self, room: &str, removed: &str) -> Answer {
        let misdeed = self.misdeed;
        let record = json!({ "type": "removed", "room": room, "user": removed });
        let room = self.by_id.get_mut(room).unwrap();
        if room.members.contains(removed) {
            room.append(record, misdeed, true);
            room.members.remove(removed);
        }
        let gone = room.readers.values_mut().filter(|reader| reader.user == removed);
        gone.for_each(|reader| reader.close(4003));
        room.readers.retain(|_, reader| reader.user != removed);
        Answer::status(204, "", "")
    }

    fn presence(&self, room: &str, after: &str) -> Answer {
        let room = &self.by_id[room];
        let is_connected = |user: &&String| room.readers.values().any(|reader| reader.user == **user);
        let is_shown = |user: &&String| match self.misdeed {
            Misdeed::HidesPresence => false,
            Misdeed::KeepsPresence => self.was_online.contains(*user),
            _ => is_connected(user),
        };
        let page: Vec<&String> = room.members.iter().filter(|user| user.as_str() > after).take(4).collect();
        let next = page.last().filter(|_| page.len() == 4);
        let online: Vec<&String> = page.iter().copied().filter(is_shown).collect();
        reply(200, &json!({ "online": online, "next": next }))
    }

    /// Whether a request may become a socket, and whose.
    pub(super) fn admit(&mut self, request: &Request) -> Result<SocketPlace, Answer> {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let user = Self::user(request).ok_or_else(|| problem(401))?;
        let room = path.split('/').nth(2).unwrap().to_owned();
        let known = self.by_id.get(&room).ok_or_else(|| problem(404))?;
        if !known.members.contains(&user) {
            return Err(problem(403));
        }
        Ok(SocketPlace { room, user, after: parameter(query, "after").map(str::to_owned) })
    }

    /// Attaches a connection; returns its number.
    pub(super) fn attach(
        &mut self,
        room: &str,
        user: &str,
        after: Option<&str>,
        mut reader: Reader,
        address: SocketAddr,
    ) -> usize {
        self.sockets += 1;
        self.visits.entry(user.to_owned()).or_default().push(address);
        self.was_online.insert(user.to_owned());
        let misdeed = self.misdeed;
        let room = self.by_id.get_mut(room).unwrap();
        let end = room.log.len();
        let from = after.map(|after| after.strip_prefix(&format!("{EPOCH}:")).unwrap().parse().unwrap());
        let from = from.filter(|_| misdeed != Misdeed::ForgetsPositions).unwrap_or(end);
        user.clone_into(&mut reader.user);
        if misdeed == Misdeed::RefusesRecovery && after.is_some() {
            reader.close(4011);
            return self.sockets;
        }
        reader.send(&json!({ "type": "ready", "position": position(from) }));
        reader.is_silent = misdeed == Misdeed::StopsAfterReconnect && after.is_some();
        for record in &room.log[from..] {
            reader.give(record, Misdeed::None);
        }
        room.readers.insert(self.sockets, reader);
        self.sockets
    }

    pub(super) fn detach(&mut self, room: &str, number: usize) {
        self.by_id.get_mut(room).unwrap().readers.remove(&number);
    }

    /// A frame has come from a client: a message.
    pub(super) fn frame(&mut self, room_id: &str, number: usize, frame: &Value) {
        let misdeed = self.misdeed;
        let room = self.by_id.get_mut(room_id).unwrap();
        let Some(sender) = room.readers.get(&number).map(|reader| reader.user.clone()) else { return };
        let id = &frame["id"];
        let message = json!({
            "type": "message", "room": room_id, "sender": sender, "id": id, "text": frame["text"],
        });
        room.sent += 1;
        let is_fifth = room.sent.is_multiple_of(5);
        let place = room.place_of(&sender, id).filter(|_| misdeed != Misdeed::RestartsAndForgetsIds);
        let mut sequence = place.unwrap_or(room.log.len() + 1);
        let is_new = place.is_none();
        let mut answer = Some(json!({ "type": "sent", "id": id, "at_ms": 0 }));
        match misdeed {
            Misdeed::LosesMessages if is_fifth => {}
            Misdeed::KeepsMessages if is_fifth => drop(room.append(message, misdeed, false)),
            Misdeed::SlowsDown if is_fifth => answer = Some(json!({ "type": "slow-down", "wait_ms": 10 })),
            Misdeed::IsUnavailable if is_fifth => answer = Some(refused(id)),
            Misdeed::DeliversUnstored if is_fifth => {
                let mut message = message;
                message["sequence"] = json!(sequence);
                room.deliver(&message, misdeed);
                room.append(json!({ "type": "removed", "room": room_id, "user": sender }), misdeed, false);
                answer = Some(refused(id));
            }
            _ if is_new => {
                room.append(message.clone(), misdeed, true);
                if misdeed == Misdeed::StoresTwice && is_fifth {
                    room.append(message, misdeed, true);
                }
            }
            _ => {}
        }
        match misdeed {
            Misdeed::IsSilent => answer = None,
            Misdeed::MovesMessages if is_fifth => sequence -= 1,
            _ => {}
        }
        let restarts = matches!(misdeed, Misdeed::Restarts | Misdeed::RestartsAndForgetsIds) && is_fifth;
        let Some(reader) = room.readers.get_mut(&number) else { return };
        if restarts {
            return reader.close(1012);
        }
        if let Some(mut answer) = answer {
            if answer["type"] == "sent" {
                answer["position"] = json!(position(sequence));
            }
            reader.send(&answer);
        }
    }
}

fn refused(id: &Value) -> Value {
    json!({ "type": "refused", "id": id, "code": "unavailable", "detail": "as the test says" })
}

fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}
