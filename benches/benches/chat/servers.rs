//! The servers that are compared. Each has rooms, whose members have a WebSocket each, and takes messages by HTTP.

mod bare;
mod centrifugo;
mod chat;

use std::{net::SocketAddr, path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use load::sender::live::Handshake;
use runtimes::measure::{Group, Scope};
use scenario::plan::Budget;

pub(crate) use self::{bare::Bare, centrifugo::Centrifugo, chat::Chat};
use super::http::Post;

/// A running server; it ends when dropped.
pub(crate) trait Server {
    /// Its name in the bench.
    fn name(&self) -> &'static str;

    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// Its processes.
    fn groups(&self) -> Vec<Group>;

    /// Makes a room with so many members.
    fn room(&mut self, members: usize) -> Result<Room>;

    /// Whether a member gets messages from the response to its handshake on, and is not told so.
    fn joins_by_handshake(&self) -> bool {
        false
    }

    /// What a line of a frame means.
    fn hears(&self) -> fn(&str) -> Heard;
}

/// A room.
pub(crate) struct Room {
    /// Its members.
    pub(crate) members: Vec<Member>,
    /// The request that sends a text to it.
    pub(crate) post: Arc<dyn Fn(&str) -> Post + Send + Sync>,
}

/// How a member connects.
#[derive(Clone)]
pub(crate) struct Member {
    /// Its handshake.
    pub(crate) handshake: Handshake,
    /// What it says first.
    pub(crate) greeting: Option<String>,
}

/// What a server has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// From now on there are messages.
    Joined,
    /// A message that was due then.
    Delivered(u64),
    /// A ping of its protocol, to be answered in the same words.
    Ping,
    /// Something else.
    Nothing,
}

/// What servers are started with.
pub(crate) struct Machine<'a> {
    /// This program.
    pub(crate) program: &'a Path,
    /// The processors.
    pub(crate) budget: &'a Budget,
}

/// The resident memory of a server, bytes (`VmRSS`, proc(5)).
pub(crate) fn resident(server: &dyn Server) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid(server)?))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024)
}

/// The process of a server, which is one.
fn pid(server: &dyn Server) -> Result<u32> {
    match server.groups().first().map(|group| group.scope.clone()) {
        Some(Scope::Process(process) | Scope::Family(process)) => Ok(process.pid()),
        _ => anyhow::bail!("`{}` has no process of its own", server.name()),
    }
}
