//! The chat: one process, SQLite, records passed on within the process.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, Result};
use benches::interleaved::pin;
use design::Wiring;
use load::sender::live::Handshake;
use runtimes::{
    arm::{BackingChoices, LaunchOptions, Proxied, READY_WITHIN, RunningProcess},
    interrupt::Interrupt,
    launch::Launch,
    measure::Group,
    scratch::Scratch,
};
use scenario::plan::ArmPlan;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Heard, Machine, Member, Room, Server};
use crate::{
    http::{Http, Post},
    publisher::due,
};

/// The axes that differ from their defaults in every arm.
const HELD: [(&str, &str); 4] =
    [("placement", "monolith"), ("fanout", "process"), ("database", "sqlite"), ("tracing", "off")];
/// Members of one request.
const AT_ONCE: usize = 1_000;
/// The life of a token, seconds.
const TOKEN_SECONDS: u32 = 3_600;
/// Who makes rooms and sends messages.
const OWNER: &str = "ann";

pub(crate) struct Chat {
    name: &'static str,
    launch: Launch,
    /// Where its database is.
    _scratch: Scratch,
    http: Http,
    owner: String,
    /// Users so far.
    users: usize,
}

impl Chat {
    /// Starts a chat with these further axes.
    pub(crate) fn start(
        machine: &Machine<'_>,
        name: &'static str,
        choices: &[(&'static str, &'static str)],
    ) -> Result<Self> {
        let scratch = Scratch::create()?;
        let wiring = Wiring::with(&chat_app::SYSTEM, HELD.iter().chain(choices).copied())?;
        let launch = Launch::start(
            &[ArmPlan::new("chat".to_owned(), wiring)],
            machine.budget,
            &LaunchOptions {
                program: machine.program,
                scratch: &scratch,
                number: 1,
                backings: &BackingChoices::default(),
                port: None,
                public_urls: &[],
                proxied: Proxied::Nothing,
                traces: false,
                interrupt: &Interrupt::never(),
                ready_within: READY_WITHIN,
                limits: design::Limits::default(),
            },
        )?;
        pin(&machine.budget.generator)?;
        let mut http = Http::new(launch.arms[0].public);
        let owner = token(&mut http, OWNER)?;
        Ok(Self { name, launch, _scratch: scratch, http, owner, users: 0 })
    }

    /// Its process.
    pub(crate) fn process(&self) -> &RunningProcess {
        &self.launch.arms[0].processes[0]
    }

    fn ask(&mut self, path: String, body: &Value) -> Result<()> {
        let token = Some(self.owner.clone());
        self.http.post(&Post { path, token, body: body.to_string() }).map(|_| ())
    }
}

impl Server for Chat {
    fn name(&self) -> &'static str {
        self.name
    }

    fn address(&self) -> SocketAddr {
        self.launch.arms[0].public
    }

    fn groups(&self) -> Vec<Group> {
        self.launch.arms[0].groups()
    }

    fn room(&mut self, members: usize) -> Result<Room> {
        let room = Uuid::now_v7();
        self.ask("/rooms".to_owned(), &json!({ "id": room.to_string(), "name": "a room" }))?;
        let users: Vec<_> = (self.users..self.users + members).map(|user| format!("m{user}")).collect();
        self.users += members;
        for users in users.chunks(AT_ONCE) {
            self.ask(format!("/rooms/{room}/members"), &json!({ "users": users, "role": "member" }))?;
        }
        let member = |user: &String| {
            let token = token(&mut self.http, user)?;
            let fields = vec![
                ("authorization", format!("Bearer {token}")),
                ("sec-websocket-protocol", "chat.v1".to_owned()),
            ];
            let handshake = Handshake { path: format!("/rooms/{room}/socket"), fields, server: 0 };
            Ok(Member { handshake, greeting: None })
        };
        let members = users.iter().map(member).collect::<Result<_>>()?;
        let owner = self.owner.clone();
        let post = move |text: &str| Post {
            path: format!("/rooms/{room}/messages"),
            token: Some(owner.clone()),
            body: json!({ "id": Uuid::now_v7().to_string(), "text": text }).to_string(),
        };
        Ok(Room { members, post: Arc::new(post) })
    }

    fn hears(&self) -> fn(&str) -> Heard {
        |line| match due(line) {
            Some(due) => Heard::Delivered(due),
            None if line.starts_with(r#"{"type":"ready""#) => Heard::Joined,
            None => Heard::Nothing,
        }
    }
}

fn token(http: &mut Http, user: &str) -> Result<String> {
    let body = json!({ "user": user, "seconds": TOKEN_SECONDS }).to_string();
    let reply = http.post(&Post { path: "/tokens".to_owned(), token: None, body })?;
    let reply: Value = serde_json::from_str(&reply)?;
    reply["token"].as_str().map(str::to_owned).context("a token")
}
