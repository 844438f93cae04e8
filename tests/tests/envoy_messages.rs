//! A proxy's messages, byte by byte. The reply to every message is a decision, because a proxy lets a request
//! pass after an error, and a client can influence the message.
//!
//! The tests encode the messages by hand from Envoy's definitions, not with the types that decode them.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::time::Duration;

use axum::body::Bytes;
use design::Wiring;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use limiter::{MAX_ASKS, MAX_KEY_BYTES, MAX_LIMITS, MAX_POLICIES};
use limiter_app::envoy::SHOULD_RATE_LIMIT;
use proptest::prelude::*;
use scenario::plan::ArmPlan;
use serde_json::json;
use system_tests::{
    edge_suite::eventually,
    limiter_suite::{self, by_client, in_force},
    wirings::{Wirings, end},
};
use tokio::{runtime::Runtime, time::timeout};

const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// Protobuf's encoding: <https://protobuf.dev/programming-guides/encoding/>.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn message(field: u64, inner: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(inner.len() as u64), inner.to_vec()].concat()
}

/// `RateLimitDescriptor.Entry`
fn entry(key: &[u8], value: &[u8]) -> Vec<u8> {
    message(1, &[message(1, key), message(2, value)].concat())
}

/// A descriptor of the client, with additional fields.
fn descriptor(client: &[u8], more: &[u8]) -> Vec<u8> {
    message(2, &[&entry(b"x-client", client), more].concat())
}

/// `hits_addend` of a descriptor: a `google.protobuf.UInt64Value`.
fn hits(value: u64) -> Vec<u8> {
    message(3, &number(1, value))
}

/// A message in gRPC's framing.
fn framed(message: &[u8]) -> Vec<u8> {
    [&[0], &(message.len() as u32).to_be_bytes()[..], message].concat()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Ok,
    OverLimit,
    /// The call failed, so the proxy decides.
    Failed,
}

/// A proxy that calls the limiter's public port.
struct Proxy {
    address: std::net::SocketAddr,
    runtime: Runtime,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl Proxy {
    fn of(address: std::net::SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let http = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        Self { address, runtime, http }
    }

    /// Sends these bytes as the body of a call.
    fn send(&self, body: Vec<u8>) -> Said {
        let request = Request::post(format!("http://{}{SHOULD_RATE_LIMIT}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(body.into()))
            .unwrap();
        let call = async {
            let reply = self.http.request(request).await.unwrap();
            assert_eq!(
                (reply.status(), &reply.headers()["content-type"]),
                (200.try_into().unwrap(), &"application/grpc".parse().unwrap())
            );
            let (head, body) = reply.into_parts();
            let whole = body.collect().await.unwrap();
            let status = whole
                .trailers()
                .and_then(|it| it.get("grpc-status"))
                .or(head.headers.get("grpc-status"))
                .cloned();
            (status.unwrap(), whole.to_bytes())
        };
        let (status, reply) = self.runtime.block_on(async { timeout(ANSWERED_WITHIN, call).await.unwrap() });
        if status != "0" {
            return Said::Failed;
        }
        // After the frame's prefix comes `overall_code`, the first field.
        match &reply[5..7] {
            [8, 1] => Said::Ok,
            [8, 2] => Said::OverLimit,
            other => panic!("{other:?}"),
        }
    }

    fn ask(&self, message: &[u8]) -> Said {
        self.send(framed(message))
    }

    /// The number of a client's ten ordinary questions that pass.
    fn left(&self, client: &[u8]) -> usize {
        (0..10).filter(|_| self.ask(&descriptor(client, &[])) == Said::Ok).count()
    }
}

fn with_proxy(judge: impl Fn(&Proxy) + Sync) {
    let limiter = Wirings::of("limiter", env!("CARGO_BIN_EXE_hosted")).patient();
    let arm = |name: &str, placement| {
        ArmPlan::new(name.to_owned(), Wiring::with(limiter.system, [("placement", placement)]).unwrap())
    };
    limiter.with_each(&[arm("one", "monolith"), arm("many", "microservices")], |launch| {
        let address = launch.arms[0].public;
        in_force(&limiter_suite::client(address), &by_client("proxied", 5, 3_600_000));
        judge(&Proxy::of(address));
    });
}

#[test]
fn what_cannot_be_read_is_over_the_limit_and_never_an_error() {
    with_proxy(|proxy| {
        assert_eq!(proxy.ask(&descriptor(b"read", &[])), Said::Ok);
        let good = descriptor(b"any", &[]);
        let many = descriptor(&vec![b'x'; 40_000], &[]).repeat(16);
        let cut_off = framed(&good)[..framed(&good).len() - 1].to_vec();
        let mut packed = framed(&good);
        packed[0] = 1;
        for (what, body) in [
            ("nothing", vec![]),
            ("a head that is cut off", vec![0, 0]),
            ("a message that is cut off", cut_off),
            ("two messages", framed(&good).repeat(2)),
            ("a packed message", packed),
            ("a length beyond what came", [&[0, 255, 255, 255, 255][..], &good].concat()),
            ("more than a message may have", framed(&many)),
            ("no protobuf", framed(&[255; 20])),
            ("a field of another type", framed(&number(2, 7))),
            ("an entry that is broken", framed(&message(2, &message(1, &[10, 99, 1])))),
            ("an addend that is broken", framed(&descriptor(b"any", &message(3, &[8])))),
            ("17 descriptors", framed(&good.repeat(17))),
            ("a cost of more than 1,000", framed(&[good.clone(), number(3, 1_001)].concat())),
            ("a descriptor's own cost of 2^64 - 1", framed(&descriptor(b"any", &hits(u64::MAX)))),
        ] {
            assert_eq!(proxy.send(body), Said::OverLimit, "{what}");
        }
        assert_eq!(proxy.left(b"any"), 5, "nothing of it was charged");
    });
}

#[test]
fn as_many_descriptors_as_there_may_be_are_decided_by_as_many_limits_as_there_may_be() {
    with_proxy(|proxy| {
        let full = |n: usize| {
            let mut policy = by_client(&format!("full-{n}"), 5, 3_600_000);
            let limits =
                (1..=MAX_LIMITS).map(|hours| json!({ "requests": 5, "window_ms": hours * 3_600_000 }));
            policy["limits"] = limits.collect();
            policy
        };
        let edge = limiter_suite::client(proxy.address);
        let policies: Vec<_> = (0..MAX_POLICIES).map(full).collect();
        assert_eq!(limiter_suite::put(&edge, &[], &json!({ "policies": policies })).status, 200);
        // The longest keys make the longest message to a process that counts.
        let many: Vec<u8> =
            (0..MAX_ASKS as u8).flat_map(|n| descriptor(&[n + 1; MAX_KEY_BYTES], &[])).collect();
        eventually(Duration::from_secs(20), "the policies are in force", || {
            (limiter_suite::quote(&edge, &[]).header("ratelimit").matches("full-").count()
                == MAX_POLICIES * MAX_LIMITS)
                .then_some(())
        });
        let said: Vec<_> = (0..6).map(|_| proxy.ask(&many)).collect();
        assert_eq!(said, [[Said::Ok; 5].as_slice(), &[Said::OverLimit]].concat());
    });
}

#[test]
fn values_that_are_no_text_are_keys_as_any_other() {
    with_proxy(|proxy| {
        for client in [&b"\xff\xfe"[..], &b"\xff\xfd"[..], &b"caf\xc3\xa9"[..], &[b'x'; 9_000][..]] {
            assert_eq!(proxy.left(client), 5, "{client:?}");
        }
        assert_eq!(proxy.left(b"caf\xe9"), 0, "the same word");
        let unlooked_at =
            message(2, &[entry(b"x-client", b"plain"), entry(b"\xff", &[b'y'; 9_000])].concat());
        assert_eq!(proxy.ask(&unlooked_at), Said::Ok);
        assert_eq!(proxy.left(b"plain"), 4);
    });
}

#[test]
fn a_descriptor_has_its_own_cost() {
    with_proxy(|proxy| {
        assert_eq!(proxy.ask(&descriptor(b"four", &hits(4))), Said::Ok);
        assert_eq!(proxy.left(b"four"), 1, "4 costs 4");
        for _ in 0..20 {
            assert_eq!(proxy.ask(&descriptor(b"none", &hits(0))), Said::Ok);
        }
        assert_eq!(proxy.left(b"none"), 5, "0 costs 0");
        assert_eq!(
            proxy.ask(&descriptor(b"none", &hits(0))),
            Said::OverLimit,
            "an ordinary one would not pass"
        );
        let of_all = [descriptor(b"own", &hits(1)), descriptor(b"all", &[]), number(3, 3)].concat();
        assert_eq!(proxy.ask(&of_all), Said::Ok);
        assert_eq!((proxy.left(b"own"), proxy.left(b"all")), (4, 2), "its own before that of the request");
        let both = [descriptor(b"all-or", &hits(2)), descriptor(b"none-of-it", &hits(6))].concat();
        assert_eq!(proxy.ask(&both), Said::OverLimit);
        assert_eq!(proxy.left(b"all-or"), 5, "what was refused was charged to nobody");
        let same = [descriptor(b"same", &hits(3)), descriptor(b"same", &hits(3))].concat();
        assert_eq!(proxy.ask(&same), Said::OverLimit);
        assert_eq!(proxy.left(b"same"), 5);
    });
}

#[test]
fn hits_that_are_given_back_and_a_proxys_own_limit_are_not_followed() {
    with_proxy(|proxy| {
        let negative = descriptor(b"back", &[hits(4), number(4, 1)].concat());
        let own_limit = descriptor(b"own-limit", &message(2, &[number(1, 1), number(2, 3)].concat()));
        assert_eq!(proxy.ask(&negative), Said::Ok);
        assert_eq!(proxy.left(b"back"), 5, "neither charged nor given back");
        assert_eq!(proxy.ask(&negative), Said::Ok);
        assert_eq!(proxy.left(b"back"), 0);
        assert_eq!(proxy.ask(&own_limit), Said::Ok);
        assert_eq!(proxy.ask(&own_limit), Said::Ok, "by the policy, and not by one a day");
    });
}

#[test]
fn whatever_comes_is_decided() {
    with_proxy(|proxy| {
        proptest!(ProptestConfig::with_cases(200), |(bytes in prop::collection::vec(any::<u8>(), 0..200), is_framed: bool)| {
            let body = if is_framed { framed(&bytes) } else { bytes };
            prop_assert_ne!(proxy.send(body), Said::Failed);
        });
    });
}

#[test]
fn a_call_fails_only_where_nobody_decides() {
    let limiter = Wirings::of("limiter", env!("CARGO_BIN_EXE_hosted"));
    let wiring = Wiring::with(limiter.system, [("placement", "microservices")]).unwrap();
    limiter.with_each(&[ArmPlan::new("away".to_owned(), wiring)], |launch| {
        let proxy = Proxy::of(launch.arms[0].public);
        end(launch, "decisions");
        assert_eq!(proxy.ask(&descriptor(b"any", &[])), Said::Failed);
        assert_eq!(proxy.send(vec![]), Said::OverLimit);
    });
}
