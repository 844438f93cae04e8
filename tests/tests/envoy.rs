//! The limiter behind a real Envoy: its rate limit filter calls the limiter's public port, and protects a
//! server that has no limits itself.
//!
//! Without `envoy` a message says so, and the tests fail if `CI` is set.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use design::Wiring;
use scenario::plan::ArmPlan;
use serde_json::{Value, json};
use system_tests::{
    clock::Clock,
    envoy::{Envoy, can_be_had, cluster, listener, typed},
    limiter_suite::{self, by_client, in_force},
    wirings::{Wirings, end},
};

/// Envoy's time-out for a decision.
const DECIDED_WITHIN: &str = "5s";
/// The time limit of a request while decisions are unavailable, with a margin for a busy machine.
const ANSWERED_WITHIN: Duration = Duration::from_millis(1_500);

/// An Envoy in front of a server, which asks the limiter about each request.
struct Limited(Envoy);

/// The parts of a reply that the tests use.
#[derive(Debug)]
struct Reply {
    status: u16,
    /// The head, in lower case.
    head: String,
}

impl Limited {
    /// Starts Envoy in front of `server`, with the limiter at `limiter`; `deny` is its `failure_mode_deny`.
    fn start(server: SocketAddr, limiter: SocketAddr, deny: bool) -> Self {
        Self(Envoy::start(|port| configuration(port, server, limiter, deny)))
    }

    /// Sends a request as this client.
    fn get(&self, client: &str) -> Reply {
        self.try_get(client).unwrap()
    }

    fn try_get(&self, client: &str) -> std::io::Result<Reply> {
        let mut stream = TcpStream::connect(self.0.address())?;
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

fn configuration(port: u16, server: SocketAddr, limiter: SocketAddr, deny: bool) -> Value {
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
    let limits = json!([{ "actions": [
        { "request_headers": { "header_name": "x-client", "descriptor_key": "x-client" } },
    ] }]);
    let mut limiting = cluster("limiter", limiter);
    limiting["typed_extension_protocol_options"] = json!({
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": typed("upstreams.http.v3.HttpProtocolOptions"),
            "explicit_http_config": { "http2_protocol_options": {} },
        },
    });
    json!({ "static_resources": {
        "listeners": [listener(port, &[filter], json!({ "rate_limits": limits }))],
        "clusters": [cluster("server", server), limiting],
    } })
}

/// A reply in time.
fn quick(envoy: &Limited) -> u16 {
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
        let (open, closed) = (Limited::start(server, address, false), Limited::start(server, address, true));
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
