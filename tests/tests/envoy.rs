//! The limiter behind a real Envoy: its rate limit filter calls the limiter's public port, and protects a
//! server that has no limits itself.
//!
//! Without `envoy` a message says so, and the tests fail if `CI` is set.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use design::Wiring;
use scenario::plan::ArmPlan;
use serde_json::{Value, json};
use system_tests::{
    clock::Clock,
    edge_suite::eventually,
    limiter_suite::{self, by_client, in_force},
    wirings::{Wirings, end},
};

/// The time limit for Envoy to start.
const UP_WITHIN: Duration = Duration::from_secs(20);
/// Envoy's time-out for a decision.
const DECIDED_WITHIN: &str = "5s";
/// The time limit of a request while decisions are unavailable, with a margin for a busy machine.
const ANSWERED_WITHIN: Duration = Duration::from_millis(1_500);

/// Whether Envoy is installed; if not, a message says so.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn can_be_had() -> bool {
    let there = Command::new("envoy").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        return true;
    }
    assert!(std::env::var("CI").is_err(), "CI has to provide `envoy` on the PATH");
    eprintln!("SKIPPED: Envoy. https://www.envoyproxy.io/docs/envoy/latest/start/install");
    false
}

/// An Envoy in front of a server. Dropping it kills it.
struct Envoy {
    port: u16,
    child: Child,
    _folder: tempfile::TempDir,
}

/// The parts of a reply that the tests use.
#[derive(Debug)]
struct Reply {
    status: u16,
    /// The head, in lower case.
    head: String,
}

impl Envoy {
    /// Starts Envoy in front of `server`, with the limiter at `limiter`; `deny` is its `failure_mode_deny`.
    fn start(server: SocketAddr, limiter: SocketAddr, deny: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = free.unwrap().port();
        let file = folder.path().join("envoy.json");
        std::fs::write(&file, configuration(port, server, limiter, deny).to_string()).unwrap();
        let child = Command::new("envoy")
            .args(["--config-path", file.to_str().unwrap(), "--concurrency", "1"])
            .args(["--disable-hot-restart", "--log-level", "error"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let envoy = Self { port, child: child.unwrap(), _folder: folder };
        eventually(UP_WITHIN, "Envoy serves", || envoy.try_get("up").ok());
        envoy
    }

    /// Sends a request as this client.
    fn get(&self, client: &str) -> Reply {
        self.try_get(client).unwrap()
    }

    fn try_get(&self, client: &str) -> std::io::Result<Reply> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let asked = format!("GET / HTTP/1.1\r\nhost: any\r\nx-client: {client}\r\nconnection: close\r\n\r\n");
        stream.write_all(asked.as_bytes())?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| std::io::Error::other(format!("no status: {reply}")))?;
        Ok(Reply { status, head: reply.to_lowercase() })
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // Both fail if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(port: u16, server: SocketAddr, limiter: SocketAddr, deny: bool) -> Value {
    let typed = |name: &str| format!("type.googleapis.com/envoy.extensions.{name}");
    let filter = json!({
        "name": "ratelimit",
        "typed_config": {
            "@type": typed("filters.http.ratelimit.v3.RateLimit"),
            "domain": "any",
            "timeout": DECIDED_WITHIN,
            "failure_mode_deny": deny,
            "rate_limit_service": {
                "transport_api_version": "V3",
                "grpc_service": { "envoy_grpc": { "cluster_name": "limiter" } },
            },
        },
    });
    let router =
        json!({ "name": "router", "typed_config": { "@type": typed("filters.http.router.v3.Router") } });
    let limits = json!([{ "actions": [
        { "request_headers": { "header_name": "x-client", "descriptor_key": "x-client" } },
    ] }]);
    let manager = json!({
        "@type": typed("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "any",
        "http_filters": [filter, router],
        "route_config": { "virtual_hosts": [{
            "name": "any",
            "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "server", "rate_limits": limits } }],
        }] },
    });
    let mut limiting = cluster("limiter", limiter);
    limiting["typed_extension_protocol_options"] = json!({
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": typed("upstreams.http.v3.HttpProtocolOptions"),
            "explicit_http_config": { "http2_protocol_options": {} },
        },
    });
    json!({ "static_resources": {
        "listeners": [{
            "address": socket(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            "filter_chains": [{ "filters": [{ "name": "http", "typed_config": manager }] }],
        }],
        "clusters": [cluster("server", server), limiting],
    } })
}

fn cluster(name: &str, address: SocketAddr) -> Value {
    let endpoint = json!({ "endpoint": { "address": socket(address) } });
    json!({
        "name": name,
        "connect_timeout": "5s",
        "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": [endpoint] }] },
    })
}

fn socket(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

/// A reply in time.
fn quick(envoy: &Envoy) -> u16 {
    let clock = Clock::start();
    let asked = clock.now();
    let status = envoy.get("after").status;
    assert!(clock.since(asked) < ANSWERED_WITHIN, "it took {:?}", clock.since(asked));
    status
}

/// A server that greets everybody, until the runtime ends.
async fn plain_server() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, axum::Router::new().fallback(async || "hello")).await });
    address
}

#[test]
fn envoy_refuses_by_our_decisions_and_without_them_does_as_it_was_told() {
    if !can_be_had() {
        return;
    }
    let limiter = Wirings::of("limiter", env!("CARGO_BIN_EXE_hosted"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(plain_server());
    let arm = ArmPlan::new("envoy".to_owned(), Wiring::defaults(limiter.system));
    limiter.with_each(&[arm], |launch| {
        let address = launch.arms[0].public;
        in_force(&limiter_suite::client(address), &by_client("proxied", 3, 60_000));
        let (open, closed) = (Envoy::start(server, address, false), Envoy::start(server, address, true));
        let began = Instant::now();
        for remaining in [2, 1, 0] {
            let reply = open.get("often");
            assert_eq!(reply.status, 200, "{reply:?}");
            assert!(reply.head.contains("ratelimit-policy: \"proxied\";q=3;w=60\r\n"), "{reply:?}");
            assert!(reply.head.contains(&format!("ratelimit: \"proxied\";r={remaining};t=")), "{reply:?}");
        }
        for envoy in [&open, &closed] {
            let reply = envoy.get("often");
            assert_eq!(reply.status, 429, "one count for all proxies: {reply:?}");
            let soonest = 20_u64.saturating_sub(began.elapsed().as_secs());
            let told = (soonest..=20).any(|s| reply.head.contains(&format!("retry-after: {s}\r\n")));
            assert!(told, "{reply:?}");
            assert_eq!(envoy.get("seldom").status, 200);
        }
        for envoy in [&open, &closed] {
            let long = "x".repeat(257);
            let is_refused = (0..4).any(|_| envoy.get(&long).status == 429);
            assert!(is_refused, "a long key is a key");
        }
        end(launch, "limiter");
        for _ in 0..5 {
            assert_eq!(quick(&open), 200, "`failure_mode_deny: false`");
            assert_eq!(quick(&closed), 500, "`failure_mode_deny: true`");
        }
    });
}
