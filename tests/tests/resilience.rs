//! The resilience layers of a process, as its operator sees them at `/admin/resilience`.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use contract::{Unavailable, Why};
use design::{Limits, ProcessConfig, Wiring};
use nix::sys::signal::Signal;
use remote::{Contract as _, Transport};
use serde_json::Value;
use shortener::{Code, Link, LinkError, Links, Removed, Shorten};
use shortener_app::remotes::links;
use system_tests::{
    command::{Desk, Running},
    edge_client::EdgeClient,
    edge_suite::eventually,
    placed::serving,
    relay::Relay,
    wire::Wire,
};
use tokio::runtime::Runtime;

/// How long a process may take to start, and a breaker to close again.
const WITHIN: Duration = Duration::from_secs(30);

/// A component without a link.
struct Empty;

#[async_trait::async_trait]
impl Links for Empty {
    async fn shorten(&self, _: Shorten) -> Result<Link, LinkError> {
        Err(Unavailable::new("store", Why::Broken).into())
    }

    async fn resolve(&self, code: Code) -> Result<Link, LinkError> {
        Err(LinkError::NotFound { code })
    }

    async fn remove(&self, _: Code) -> Result<Removed, LinkError> {
        Ok(Removed)
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A gateway in a process of its own.
struct Gateway<'a> {
    running: Running<'a>,
    edge: EdgeClient,
    internal: SocketAddr,
}

impl<'a> Gateway<'a> {
    /// Starts it with this preset; `links` is its only peer that may be there.
    fn start(desk: &'a Desk, preset: &str, links: SocketAddr) -> Self {
        let (public, internal) = (free(), free());
        let chosen = [("placement", "microservices"), ("resilience", preset), ("transport", "http")];
        let wiring = Wiring::with(&shortener_app::SYSTEM, chosen).unwrap();
        let peers = [("links", links), ("clicks", free())];
        let file = ProcessConfig {
            system: "shortener".to_owned(),
            process: "gateway".to_owned(),
            public: Some(public),
            public_urls: Vec::new(),
            internal,
            cpus: Vec::new(),
            traces: None,
            faults_from: None,
            scratch: desk.path("tmp"),
            axes: wiring.values().map(|(axis, value)| (axis.to_owned(), value.to_owned())).collect(),
            peers: peers.map(|(name, address)| (name.to_owned(), vec![address.to_string()])).into(),
            backings: [].into(),
            limits: Limits::default(),
        };
        let path = desk.write("host.toml", &file.to_toml());
        let mut running = desk.start(&["host", path.to_str().unwrap()]);
        running.says("serving");
        Self { running, edge: EdgeClient::new(public), internal }
    }

    /// The status of a request that calls `links` once.
    fn follow(&self) -> u16 {
        self.edge.follow("nothing").status
    }

    /// What the process says of its calls to `links`.
    fn links(&self) -> Value {
        let mut wire = Wire::connect(self.internal);
        wire.say("GET /admin/resilience HTTP/1.1\r\nhost: here\r\n\r\n");
        let reply = wire.reply();
        assert_eq!(reply.status, 200);
        let state: Value = serde_json::from_slice(&reply.body).unwrap();
        let callees = state["callees"].as_array().unwrap();
        callees.iter().find(|callee| callee["callee"] == "links").unwrap().clone()
    }
}

#[test]
fn an_operator_sees_a_breaker_open_half_open_and_close() {
    // Its threads serve the component; the client of the edge waits outside of it.
    let runtime = Runtime::new().unwrap();
    let components = links::ThisContract::serve(Transport::Http, Arc::new(Empty));
    let server = runtime.block_on(serving(components)).to_string();
    let at = free();
    let relay = runtime.block_on(Relay::start(at, server.clone()));
    let desk = Desk::new(env!("CARGO_BIN_EXE_hosted"));
    let gateway = Gateway::start(&desk, "breaker", at);
    assert_eq!(gateway.follow(), 404);
    let before = gateway.links();
    assert_eq!((&before["preset"], &before["breaker"]["state"]), (&"breaker".into(), &"closed".into()));
    assert_eq!(before["breaker"]["transitions"].as_array().unwrap().len(), 0);
    assert_eq!(before.get("limit"), None, "the preset has no bulkhead");

    runtime.block_on(relay.stop());
    for _ in 0..5 {
        assert_eq!(gateway.follow(), 503);
    }
    let open = gateway.links();
    assert_eq!(open["breaker"]["state"], "open", "{open}");
    assert!(open["breaker"]["rejected"].as_u64().unwrap() > 0, "{open}");

    let relay = runtime.block_on(Relay::start(at, server));
    eventually(WITHIN, "a probe passes", || (gateway.follow() == 404).then_some(()));
    let half_open = gateway.links();
    assert_eq!(half_open["breaker"]["state"], "half-open", "one of three probes succeeded: {half_open}");
    assert_eq!((gateway.follow(), gateway.follow()), (404, 404), "so do the others");
    let closed = gateway.links();
    assert_eq!(closed["breaker"]["state"], "closed", "{closed}");
    let transitions = closed["breaker"]["transitions"].as_array().unwrap();
    let told: Vec<_> = transitions.iter().map(|one| [&one["to"], &one["reason"]]).collect();
    let expected = [["open", "failures-in-a-row"], ["half-open", "time-up"], ["closed", "probes-succeeded"]];
    assert_eq!(told, expected, "{closed}");
    let times: Vec<_> = transitions.iter().map(|one| one["unix_ms"].as_u64().unwrap()).collect();
    assert!(times.is_sorted() && times[0] > 1_700_000_000_000, "{closed}");
    runtime.block_on(relay.stop());
    gateway.running.signal(Signal::SIGTERM);
    assert_eq!(gateway.running.end().code, Some(0));
}
