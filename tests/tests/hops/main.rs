//! Failures between two processes: each arrives as an error value, none as a hang.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

mod mirror;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderName, Request, StatusCode},
    response::IntoResponse as _,
    routing::post,
};
use contract::{Unavailable, Why};
use design::Limits;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client as Plain, rt::TokioExecutor};
use prometheus_client::registry::Registry;
use remote::{
    Balancing, Context, Contract, MAX_MESSAGE_BYTES, Priority, RpcMetrics, Trace, Transport, current, scope,
};
use runtime::edge::Problem;
use shortener::{Code as LinkCode, Link, LinkError, Links, Removed, Shorten};
use shortener_app::remotes::links;
use system_tests::{
    placed::{client, client_of, counted_client_of, serving, serving_within},
    relay::Relay,
    wire::Wire,
};
use tokio::time::Instant;
use tonic::{Code, Status};

const TRANSPORTS: [Transport; 2] = [Transport::Http, Transport::Grpc];

/// A component that records the context of each call, delays it, and finds nothing.
#[derive(Default)]
struct Probe {
    seen: Mutex<Vec<(Context, Instant)>>,
    takes: Duration,
}

#[async_trait::async_trait]
impl Links for Probe {
    async fn shorten(&self, _: Shorten) -> Result<Link, LinkError> {
        Err(Unavailable::new("store", Why::Broken).into())
    }

    async fn resolve(&self, code: LinkCode) -> Result<Link, LinkError> {
        self.seen.lock().unwrap().extend(current().map(|context| (context, Instant::now())));
        tokio::time::sleep(self.takes).await;
        Err(LinkError::NotFound { code })
    }

    async fn remove(&self, _: LinkCode) -> Result<Removed, LinkError> {
        Ok(Removed)
    }
}

async fn away(transport: Transport, probe: Arc<Probe>) -> Arc<dyn Links> {
    let address = serving(links::ThisContract::serve(transport, probe)).await;
    links::ThisContract::client(transport, client(transport, address))
}

fn code() -> LinkCode {
    LinkCode::parse("abc").unwrap()
}

#[tokio::test]
async fn deadline_trace_and_priority_cross_a_hop() {
    for transport in TRANSPORTS {
        let probe = Arc::new(Probe::default());
        let links = away(transport, Arc::clone(&probe)).await;
        let trace = Trace { id: 0xabc, span: 0x123, sampled: false };
        let (asked, time) = (Instant::now(), Duration::from_secs(30));
        let context = Context { deadline: asked + time, trace, priority: Priority::Background };
        let answer = scope(context, links.resolve(code())).await;
        let answered = Instant::now();
        assert_eq!(answer, Err(LinkError::NotFound { code: code() }));
        let (seen, at) = probe.seen.lock().unwrap()[0];
        assert_eq!((seen.trace, seen.priority), (trace, Priority::Background), "{transport:?}");
        // Clocks of machines differ, so the remaining time crosses a hop.
        let left = seen.deadline - at;
        assert!(left <= time, "{transport:?}: {left:?}, and no more than the caller had");
        let spent = answered - asked + Duration::from_millis(1);
        assert!(left + spent >= time, "{transport:?}: {left:?}, less no more than what was spent: {spent:?}");
    }
}

#[tokio::test]
async fn a_callee_that_is_too_slow_is_given_up_at_the_deadline() {
    for transport in TRANSPORTS {
        let probe = Arc::new(Probe { takes: Duration::from_secs(30), ..Probe::default() });
        let links = away(transport, probe).await;
        let deadline = Instant::now() + Duration::from_millis(100);
        let context = Context { deadline, ..Context::unattended() };
        let answer = scope(context, links.resolve(code())).await;
        let Err(LinkError::Unavailable(unavailable)) = answer else { panic!("{transport:?}: {answer:?}") };
        assert_eq!(unavailable.why, Why::TimedOut, "{transport:?}");
        assert!(
            deadline.elapsed() < Duration::from_secs(20),
            "{transport:?}: it was given up, not waited for"
        );
    }
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_unreachable() {
    for transport in TRANSPORTS {
        let nobody = "127.0.0.1:1".parse().unwrap();
        let links = links::ThisContract::client(transport, client(transport, nobody));
        let answer = links.resolve(code()).await;
        let expected = LinkError::Unavailable(Unavailable::new("links", Why::Unreachable));
        assert_eq!(answer, Err(expected), "{transport:?}");
    }
}

#[tokio::test]
async fn an_error_of_the_callees_own_callee_arrives_as_it_was() {
    for transport in TRANSPORTS {
        let links = away(transport, Arc::new(Probe::default())).await;
        let request = Shorten {
            target: shortener::Target::parse("https://example.com").unwrap(),
            alias: None,
            expires_at: None,
            key: shortener::RequestKey::parse("k").unwrap(),
        };
        let expected = LinkError::Unavailable(Unavailable::new("store", Why::Broken));
        assert_eq!(links.shorten(request).await, Err(expected), "{transport:?}");
    }
}

#[tokio::test]
async fn a_peer_that_speaks_another_contract_is_misunderstood() {
    for transport in TRANSPORTS {
        // The server has `clicks`, and the client calls `links`.
        let address = serving(Router::new()).await;
        let links = links::ThisContract::client(transport, client(transport, address));
        let expected = LinkError::Unavailable(Unavailable::new("links", Why::Misunderstood));
        assert_eq!(links.resolve(code()).await, Err(expected), "{transport:?}");
    }
}

/// A server that refuses every message, as malformed or too large.
async fn refusing(transport: Transport) -> Arc<dyn Links> {
    let refuse = async move || match transport {
        Transport::Http => remote::problem(StatusCode::BAD_REQUEST, "malformed", "Malformed", "for a test"),
        Transport::Grpc => Status::invalid_argument("for a test").into_http(),
    };
    let path = |method: &'static remote::Method| match transport {
        Transport::Http => method.http_path,
        Transport::Grpc => method.grpc_path,
    };
    let methods = links::ThisContract::METHODS.iter();
    let refusing = methods.fold(Router::new(), |routes, method| routes.route(path(method), post(refuse)));
    links::ThisContract::client(transport, client(transport, serving(refusing).await))
}

#[tokio::test]
async fn a_message_that_the_peer_refuses_is_a_fault_of_ours_and_no_outage() {
    for transport in TRANSPORTS {
        let answer = refusing(transport).await.resolve(code()).await;
        let Err(LinkError::Unavailable(unavailable)) = answer else { panic!("{transport:?}: {answer:?}") };
        assert_eq!(unavailable, Unavailable::new("links", Why::Misunderstood), "{transport:?}");
        let reply = Problem::from(unavailable).into_response();
        assert_eq!(reply.status(), StatusCode::INTERNAL_SERVER_ERROR, "{transport:?}");
        assert_eq!(reply.headers().get("retry-after"), None, "{transport:?}: nothing comes back by waiting");
    }
}

#[tokio::test]
async fn a_malformed_request_is_refused_with_a_reason_and_harms_nothing() {
    let address = serving(links::ThisContract::serve(Transport::Http, Arc::new(Probe::default()))).await;
    let too_large = "x".repeat(remote::MAX_MESSAGE_BYTES + 1);
    let plain: Plain<_, Full<axum::body::Bytes>> = Plain::builder(TokioExecutor::new()).build_http();
    for (path, body, status) in [
        ("/links/resolve", "{", StatusCode::BAD_REQUEST),
        ("/links/resolve", "\"not a code!\"", StatusCode::BAD_REQUEST),
        ("/links/resolve", "", StatusCode::BAD_REQUEST),
        ("/links/resolve", too_large.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
        ("/links/nothing", "\"abc\"", StatusCode::NOT_FOUND),
        ("/links/resolve", "\"abc\"", StatusCode::NOT_FOUND),
    ] {
        let request = Request::post(format!("http://{address}{path}"))
            .header("content-type", "application/json")
            .body(Full::from(body.to_owned()))
            .unwrap();
        let response = plain.request(request).await.unwrap();
        assert_eq!(response.status(), status, "{path} {body}");
        let own = body == "\"abc\"" && path.ends_with("resolve");
        let kind = if own { "application/json" } else { "application/problem+json" };
        assert_eq!(response.headers()["content-type"], kind, "{path} {body}");
        assert!(!response.into_body().collect().await.unwrap().to_bytes().is_empty());
    }
}

/// The reply to a call over gRPC that our clients never make: status and message.
async fn told(
    address: std::net::SocketAddr,
    path: &str,
    fields: &[(&str, &str)],
    frame: &[u8],
) -> (Code, String) {
    let channel =
        Plain::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<axum::body::Bytes>>();
    let mut request = Request::post(format!("http://{address}{path}"))
        .header("te", "trailers")
        .body(Full::from(frame.to_vec()))
        .unwrap();
    for (name, value) in fields {
        request.headers_mut().insert(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    let response = channel.request(request).await.unwrap();
    let told = Status::from_header_map(response.headers());
    let trailers = response.into_body().collect().await.unwrap().trailers().cloned().unwrap_or_default();
    let told = told.or_else(|| Status::from_header_map(&trailers)).unwrap();
    (told.code(), told.message().to_owned())
}

#[tokio::test]
async fn a_grpc_call_that_cannot_be_read_is_told_why() {
    const GRPC: (&str, &str) = ("content-type", "application/grpc");
    let address = serving(links::ThisContract::serve(Transport::Grpc, Arc::new(Probe::default()))).await;
    let resolve = "/lab.shortener.v1.LinksService/Resolve";
    // A frame of three bytes: field 1, a string of one byte, which is not a valid code.
    let no_code = &[0_u8, 0, 0, 0, 3, 10, 1, b'!'][..];
    let too_large = [&[0][..], &(MAX_MESSAGE_BYTES as u32 + 1).to_be_bytes()].concat();
    let packed = [("content-type", "application/grpc"), ("grpc-encoding", "gzip")];
    for (what, path, fields, frame, code, says) in [
        (
            "a field that holds no code",
            resolve,
            &[GRPC][..],
            no_code,
            Code::InvalidArgument,
            "`code`: a code is 1 to 32",
        ),
        ("no protobuf", resolve, &[GRPC], &[0, 0, 0, 0, 2, 255, 255], Code::Internal, "failed to decode"),
        ("a frame that is cut off", resolve, &[GRPC], &[0, 0, 0, 0, 9, 10], Code::Internal, ""),
        (
            "a message that is too large",
            resolve,
            &[GRPC],
            &too_large,
            Code::OutOfRange,
            "message length too large",
        ),
        ("a packed message", resolve, &packed, &[1, 0, 0, 0, 0], Code::Unimplemented, "gzip"),
        (
            "no such method",
            "/lab.shortener.v1.LinksService/Nothing",
            &[GRPC],
            &[0; 5],
            Code::Unimplemented,
            "",
        ),
        (
            "no such service",
            "/lab.shortener.v2.LinksService/Resolve",
            &[GRPC],
            &[0; 5],
            Code::Unimplemented,
            "",
        ),
    ] {
        let (told, message) = told(address, path, fields, frame).await;
        assert_eq!(told, code, "{what}: {message}");
        assert!(message.contains(says), "{what}: {message}");
    }
}

#[tokio::test]
async fn a_call_whose_body_breaks_off_is_told_from_one_that_is_too_large() {
    let address = serving(links::ThisContract::serve(Transport::Http, Arc::new(Probe::default()))).await;
    let too_large = format!("content-length: {}", MAX_MESSAGE_BYTES + 1);
    let asked = move |framing: &str, body: &str| {
        let head = format!(
            "POST /links/resolve HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n{framing}\r\n\r\n"
        );
        let mut wire = Wire::saying(address, head + body);
        wire.ends();
        wire.reply()
    };
    let asks = move || {
        asked("transfer-encoding: chunked", "zz\r\n").is_problem(400, "malformed");
        asked("content-length: 30", "{").is_problem(400, "malformed");
        asked(&too_large, "").is_problem(413, "too-large");
    };
    tokio::task::spawn_blocking(asks).await.unwrap();
}

/// Replicas of a component behind one client, with an address among them where nothing listens.
async fn replicas(transport: Transport, probes: &[Arc<Probe>], balancing: Balancing) -> Arc<dyn Links> {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut addresses = vec![nobody];
    for probe in probes {
        addresses.push(serving(links::ThisContract::serve(transport, Arc::clone(probe) as _)).await);
    }
    links::ThisContract::client(transport, client_of(transport, &addresses, balancing))
}

#[tokio::test]
async fn a_copy_that_is_away_is_not_noticed_while_another_is_there() {
    for transport in TRANSPORTS {
        for balancing in [Balancing::RoundRobin, Balancing::TwoChoices] {
            let probes = [Arc::new(Probe::default()), Arc::new(Probe::default())];
            let links = replicas(transport, &probes, balancing).await;
            for _ in 0..30 {
                let answer = links.resolve(code()).await;
                assert_eq!(answer, Err(LinkError::NotFound { code: code() }), "{transport:?} {balancing:?}");
            }
            let shares = probes.map(|probe| probe.seen.lock().unwrap().len());
            assert_eq!(shares.iter().sum::<usize>(), 30, "each call had its effect once: {shares:?}");
            assert!(shares.iter().all(|share| *share > 0), "both have a share: {shares:?}");
        }
    }
}

#[tokio::test]
async fn with_two_choices_a_slow_copy_gets_less_to_do() {
    for transport in TRANSPORTS {
        let slow = Arc::new(Probe { takes: Duration::from_millis(100), ..Probe::default() });
        let quick = Arc::new(Probe { takes: Duration::from_millis(1), ..Probe::default() });
        let addresses = [
            serving(links::ThisContract::serve(transport, Arc::clone(&slow) as _)).await,
            serving(links::ThisContract::serve(transport, Arc::clone(&quick) as _)).await,
        ];
        let links =
            links::ThisContract::client(transport, client_of(transport, &addresses, Balancing::TwoChoices));
        // Eight callers, each with one call in flight at a time.
        let asking = (0..8).map(|_| async {
            for _ in 0..10 {
                assert_eq!(links.resolve(code()).await, Err(LinkError::NotFound { code: code() }));
            }
        });
        futures::future::join_all(asking).await;
        let (slow, quick) = (slow.seen.lock().unwrap().len(), quick.seen.lock().unwrap().len());
        assert_eq!(slow + quick, 80);
        assert!(slow * 2 < quick, "{transport:?}: {slow} went to the slow copy and {quick} to the quick one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_grow_old_cost_no_call() {
    const CALLERS: usize = 16;
    for transport in TRANSPORTS {
        let probe: Arc<Probe> = Arc::new(Probe::default());
        let limits = Limits { connection_age_ms: 10, ..Limits::default() };
        let address =
            serving_within(links::ThisContract::serve(transport, Arc::clone(&probe) as _), limits).await;
        let relay = Arc::new(Relay::start(([127, 0, 0, 1], 0).into(), address.to_string()).await);
        let mut registry = Registry::default();
        let metrics = RpcMetrics::register(&mut registry).peer("links");
        let client = counted_client_of(transport, &[relay.address()], Balancing::RoundRobin, metrics);
        let links = links::ThisContract::client(transport, client);
        let until = Instant::now() + Duration::from_secs(1);
        let asking = (0..CALLERS).map(|_| {
            let (links, relay) = (Arc::clone(&links), Arc::clone(&relay));
            tokio::spawn(async move {
                // Each caller has used more than one connection.
                while Instant::now() < until || relay.accepted() <= 2 * CALLERS {
                    let answer = links.resolve(code()).await;
                    assert_eq!(answer, Err(LinkError::NotFound { code: code() }), "{transport:?}");
                }
            })
        });
        for asked in futures::future::join_all(asking).await {
            asked.unwrap();
        }
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let lost = text.lines().find(|line| line.starts_with("peer_retries_total{") && line.contains("lost"));
        assert!(
            lost.unwrap().ends_with(" 0"),
            "{transport:?}: no call was lost with its connection: {lost:?}"
        );
    }
}
