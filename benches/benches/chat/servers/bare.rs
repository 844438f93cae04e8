//! The bare broadcast: what a chat's delivery costs without the chat.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Result;
use benches::{bare::CHAT, interleaved::Reference, references::start_bare};
use load::sender::live::Handshake;
use runtimes::measure::Group;
use serde_json::json;
use uuid::Uuid;

use super::{Heard, Machine, Member, Room, Server};
use crate::{http::Post, publisher::due};

pub(crate) struct Bare(Box<dyn Reference>);

impl Bare {
    pub(crate) fn start(machine: &Machine<'_>) -> Result<Self> {
        Ok(Self(start_bare(machine.program, machine.budget, &[&["chat", CHAT]])?))
    }
}

impl Server for Bare {
    fn name(&self) -> &'static str {
        "bare axum broadcast"
    }

    fn address(&self) -> SocketAddr {
        self.0.address()
    }

    fn groups(&self) -> Vec<Group> {
        self.0.groups()
    }

    fn room(&mut self, members: usize) -> Result<Room> {
        let room = Uuid::now_v7();
        let handshake = Handshake { path: format!("/rooms/{room}/socket"), ..Handshake::default() };
        let post = move |text: &str| Post {
            path: format!("/rooms/{room}/messages"),
            token: None,
            body: json!({ "id": Uuid::now_v7().to_string(), "text": text }).to_string(),
        };
        let members = vec![Member { handshake, greeting: None }; members];
        Ok(Room { members, post: Arc::new(post) })
    }

    fn joins_by_handshake(&self) -> bool {
        true
    }

    fn hears(&self) -> fn(&str) -> Heard {
        |line| due(line).map_or(Heard::Nothing, Heard::Delivered)
    }
}
