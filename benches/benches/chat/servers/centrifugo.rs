//! Centrifugo (<https://centrifugal.dev>), with its JSON protocol over WebSocket and its HTTP API, and its memory engine.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use benches::interleaved::pin;
use load::sender::live::Handshake;
use runtimes::measure::{Group, Part, Scope, TrackedProcess};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use super::{Heard, Machine, Member, Room, Server};
use crate::{http::Post, publisher::due};

/// The version that the figures are of.
const MODULE: &str = "github.com/centrifugal/centrifugo/v6@v6.9.1";
/// How long it may take to listen.
const LISTENS_WITHIN: Duration = Duration::from_secs(10);

pub(crate) struct Centrifugo {
    name: &'static str,
    address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl Centrifugo {
    /// Where the program is; `None`, with a message, if it is not installed.
    pub(crate) fn program() -> Option<PathBuf> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/ci/bin/centrifugo");
        let program = if own.exists() { own } else { PathBuf::from("centrifugo") };
        let mut version = Command::new(&program);
        match version.arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status() {
            Ok(_) => Some(program),
            Err(error) => {
                eprintln!("no `centrifugo` ({error}): NOTHING IS COMPARED WITH IT");
                eprintln!("hint: GOBIN=$PWD/target/ci/bin go install {MODULE}");
                None
            }
        }
    }

    /// Starts it. With history, clients may resume, as those of the chat may.
    pub(crate) fn start(machine: &Machine<'_>, program: &Path, with_history: bool) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        // A port that was free may be taken before the server has it; then the bench ends with that error.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let (size, ttl) = if with_history { (256, "300s") } else { (0, "0s") };
        let config = json!({
            "http_server": { "address": "127.0.0.1", "port": address.port() },
            "client": { "insecure": true, "allowed_origins": ["*"] },
            "http_api": { "insecure": true },
            "log": { "level": "error" },
            "usage_stats": { "disabled": true },
            "channel": { "without_namespace": {
                "history_size": size, "history_ttl": ttl, "force_recovery": with_history,
                "allow_subscribe_for_client": true, "allow_subscribe_for_anonymous": true,
            } },
        });
        let file = folder.path().join("config.json");
        std::fs::write(&file, config.to_string())?;
        pin(&machine.budget.arms)?;
        let child = Command::new(program).arg("--config").arg(&file).stdin(Stdio::null()).spawn();
        pin(&machine.budget.generator)?;
        let name = if with_history { "Centrifugo, with history" } else { "Centrifugo, without history" };
        let mut server = Self { name, address, child: child?, _folder: folder };
        server.listens()?;
        Ok(server)
    }

    fn listens(&mut self) -> Result<()> {
        let until = Instant::now() + LISTENS_WITHIN;
        while TcpStream::connect(self.address).is_err() {
            ensure!(self.child.try_wait()?.is_none(), "Centrifugo has ended; its words are above");
            ensure!(Instant::now() < until, "Centrifugo does not listen on {}", self.address);
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Server for Centrifugo {
    fn name(&self) -> &'static str {
        self.name
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn groups(&self) -> Vec<Group> {
        let part = Part::Service { components: Vec::new(), edge: true };
        let scope = Scope::Process(TrackedProcess::new(self.child.id()));
        vec![Group { name: "centrifugo".to_owned(), part, scope }]
    }

    fn room(&mut self, members: usize) -> Result<Room> {
        let room = Uuid::now_v7().to_string();
        let handshake = Handshake { path: "/connection/websocket".to_owned(), ..Handshake::default() };
        let greeting = format!(
            "{}\n{}",
            json!({ "id": 1, "connect": {} }),
            json!({ "id": 2, "subscribe": { "channel": room } })
        );
        let members = vec![Member { handshake, greeting: Some(greeting) }; members];
        // The same record as the chat's.
        let post = move |text: &str| {
            let id = Uuid::now_v7();
            let at_ms = id.get_timestamp().map_or(0, |at| at.to_unix().0 * 1_000);
            let data = json!({
                "type": "message", "room": room, "sequence": 1, "at_ms": at_ms, "sender": "ann",
                "id": id.to_string(), "text": text,
            });
            let body = json!({ "channel": room, "data": data }).to_string();
            Post { path: "/api/publish".to_owned(), token: None, body }
        };
        Ok(Room { members, post: Arc::new(post) })
    }

    fn hears(&self) -> fn(&str) -> Heard {
        |line| match due(line) {
            Some(due) => Heard::Delivered(due),
            None if line == "{}" => Heard::Ping,
            None if line.contains(r#""id":2"#) && !line.contains(r#""error""#) => Heard::Joined,
            None => Heard::Nothing,
        }
    }
}

impl Drop for Centrifugo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
