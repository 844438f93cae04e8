//! A process whose PostgreSQL is late or unavailable: it waits without a limit and gives the reason; shared
//! backings never make it unready.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use design::{Limits, ProcessConfig, Wiring};
use nix::sys::signal::Signal;
use system_tests::{
    command::{Desk, Running},
    edge_suite::eventually,
    relay::{Relay, relayed},
    wire::Wire,
};

/// The time limit of a reply, with a margin for a busy machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

fn desk() -> Desk {
    Desk::new(env!("CARGO_BIN_EXE_hosted"))
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A shortener in one process, with the PostgreSQL at this address.
struct Shortener<'a> {
    running: Running<'a>,
    public: SocketAddr,
    internal: SocketAddr,
}

impl<'a> Shortener<'a> {
    fn start(desk: &'a Desk, postgres: &str) -> Self {
        let (public, internal) = (free(), free());
        let wiring = Wiring::with(&shortener_app::SYSTEM, [("database", "postgres")]).unwrap();
        let file = ProcessConfig {
            system: "shortener".to_owned(),
            process: "shortener".to_owned(),
            public: Some(public),
            public_urls: Vec::new(),
            internal,
            cpus: Vec::new(),
            traces: None,
            faults_from: None,
            scratch: desk.path("tmp"),
            axes: wiring.values().map(|(axis, value)| (axis.to_owned(), value.to_owned())).collect(),
            peers: BTreeMap::new(),
            backings: [("database".to_owned(), postgres.to_owned())].into(),
            limits: Limits::default(),
        };
        let path = desk.write("host.toml", &file.to_toml());
        let running = desk.start(&["host", path.to_str().unwrap()]);
        Self { running, public, internal }
    }

    /// The reply of its internal server; `None` if it does not listen yet.
    fn ask(&self, path: &str) -> Option<(u16, String)> {
        let mut wire = Wire::try_connect(self.internal).ok()?;
        wire.say(format!("GET {path} HTTP/1.1\r\nhost: here\r\n\r\n"));
        let reply = wire.reply();
        Some((reply.status, String::from_utf8(reply.body.to_vec()).unwrap()))
    }

    /// Waits for a reply with this status; returns its body.
    fn comes_to(&self, path: &str, status: u16) -> String {
        let what = format!("`{path}` answers {status}");
        eventually(ANSWER_WITHIN, &what, || self.ask(path).filter(|(answer, _)| *answer == status)).1
    }

    fn ends(self) {
        self.running.signal(Signal::SIGTERM);
        let ended = self.running.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}

#[test]
fn a_process_whose_store_is_late_is_alive_and_says_what_it_waits_for() {
    let desk = desk();
    let store = free();
    let mut process = Shortener::start(&desk, &format!("postgres://lab:secret@{store}/links"));
    assert_eq!(process.comes_to("/health/live", 200), "");
    let what = format!("the database `database` at `postgres://...@{store}/links`");
    let lacks = eventually(ANSWER_WITHIN, "it says what it waits for", || {
        process.ask("/health/ready").filter(|(_, lacks)| lacks.contains(&what))
    });
    assert_eq!(lacks.0, 503, "it is not ready");
    assert!(lacks.1.contains("Connection refused") && !lacks.1.contains("secret"), "{lacks:?}");
    assert!(Wire::try_connect(process.public).is_err(), "nobody waits at a door that is not open");
    let (status, _) = process.ask("/links/resolve").unwrap();
    assert_eq!(status, 503, "its components are not there yet");
    process.running.says(&format!("waiting for {what}"));
    let checked = desk.lab(&["health", desk.path("host.toml").to_str().unwrap()]);
    assert_eq!(checked.code, Some(2), "{checked:?}");
    assert!(checked.err.contains(&what), "a container's health check says it as well: {checked:?}");
    process.ends();
}

#[test]
fn a_name_that_does_not_resolve_is_told_as_that() {
    let desk = desk();
    let mut process = Shortener::start(&desk, "postgres://lab@nowhere.invalid/links");
    process.running.says("failed to lookup address information");
    process.ends();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_ready_when_its_store_has_come_and_stays_so_when_it_goes() {
    let Some((at, server, address, _kept)) = relayed().await else { return };
    let desk = desk();
    let process = Shortener::start(&desk, &address);
    // Until its first attempt to connect has failed it does not know what it waits for.
    eventually(ANSWER_WITHIN, "it says what it waits for", || {
        process.ask("/health/ready").filter(|(status, body)| *status == 503 && body.contains(" waits for "))
    });
    let relay = Relay::start(at, server).await;
    assert_eq!(process.comes_to("/health/ready", 200), "");
    assert_eq!(process.comes_to("/health/backings", 200), "");
    assert!(Wire::try_connect(process.public).is_ok(), "who is ready is served");

    relay.stop().await;
    assert_eq!(process.comes_to("/health/backings", 503), "database does not answer\n");
    assert_eq!(process.ask("/health/ready"), Some((200, String::new())), "it lacks nothing of its own");
    let (_, metrics) = process.ask("/metrics").unwrap();
    assert!(metrics.contains("\nbacking_up{backing=\"database\"} 0\n"), "{metrics}");
    process.ends();
}
