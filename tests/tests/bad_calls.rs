//! Every method of every component at the hands of callers that get it wrong, over both transports, between real processes.
//!
//! Each gets what `docs/hops.md` says under "Refused calls", in time: a problem document with a detail, or a status of
//! gRPC with a message.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::body::{Body, Bytes};
use futures::{StreamExt as _, stream};
use http::{HeaderName, Request};
use http_body_util::BodyExt as _;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use nix::sys::signal::Signal;
use remote::{Contract, MAX_MESSAGE_BYTES, Method};
use system_tests::{command::Desk, edge_client::Reply, wire::Wire};
use tonic::{Code, Status};

/// The time limit of a call, with a margin for a busy machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Every system with each component in its own process.
const APART: [&[&str]; 5] = [
    &["up", "shortener", "--set", "placement=microservices"],
    &["up", "limiter", "--set", "placement=microservices", "--set", "state=service"],
    &["up", "chain", "--set", "placement=microservices", "--set", "depth=3"],
    &["up", "cart", "--set", "placement=microservices"],
    &["up", "chat", "--set", "placement=microservices"],
];

/// Calls `work` with each method of each component, and the server of its process.
fn with_each_method(transport: &str, work: impl Fn(SocketAddr, &'static Method)) {
    let methods = [
        shortener_app::remotes::links::ThisContract::METHODS,
        shortener_app::remotes::clicks::ThisContract::METHODS,
        limiter_app::remotes::decisions::ThisContract::METHODS,
        limiter_app::remotes::policies::ThisContract::METHODS,
        limiter_app::remotes::counts::ThisContract::METHODS,
        chain_app::remotes::front::ThisContract::METHODS,
        chain_app::remotes::middle::ThisContract::METHODS,
        chain_app::remotes::back::ThisContract::METHODS,
        chain_app::remotes::reviews::ThisContract::METHODS,
        cart_app::remotes::catalog::ThisContract::METHODS,
        cart_app::remotes::carts::ThisContract::METHODS,
        cart_app::remotes::stock::ThisContract::METHODS,
        cart_app::remotes::vouchers::ThisContract::METHODS,
        cart_app::remotes::payments::ThisContract::METHODS,
        cart_app::remotes::orders::ThisContract::METHODS,
        cart_app::remotes::notices::ThisContract::METHODS,
        chat_app::remotes::rooms::ThisContract::METHODS,
        chat_app::remotes::messages::ThisContract::METHODS,
        chat_app::remotes::presence::ThisContract::METHODS,
        chat_app::remotes::delivery::ThisContract::METHODS,
    ];
    let mut worked = 0;
    for arguments in APART {
        let desk = Desk::new(env!("CARGO_BIN_EXE_hosted"));
        let mut running = desk.start(&[arguments, &["--set", transport]].concat());
        running.says("Ctrl-C stops it");
        for (process, address) in running.internal_servers() {
            for method in
                methods.iter().copied().flatten().filter(|method| is_at(method, arguments[1], &process))
            {
                work(address, method);
                worked += 1;
            }
        }
        running.signal(Signal::SIGINT);
        assert_eq!(running.end().code, Some(0), "it was not harmed");
    }
    assert_eq!(
        worked,
        methods.iter().map(|methods| methods.len()).sum::<usize>(),
        "every method of every component"
    );
}

/// Whether a method's component is in a process of a system. Each has a process of its own, but the chat's delivery.
fn is_at(method: &Method, system: &str, process: &str) -> bool {
    method.service == process || (method.service == "delivery" && (system, process) == ("chat", "gateway"))
}

const JSON: &str = "content-type: application/json\r\n";

/// The reply to these header fields and this body.
fn post(address: SocketAddr, path: &str, fields: &str, body: &[u8]) -> Reply {
    let head = format!("POST {path} HTTP/1.1\r\nhost: here\r\n{fields}\r\n");
    let mut wire = Wire::saying(address, [head.as_bytes(), body].concat());
    // Announces more bytes than it sends, and then closes.
    if fields.contains("content-length: 30") {
        wire.ends();
    }
    wire.reply()
}

#[test]
fn a_bad_call_over_http_is_told_what_is_wrong_with_it() {
    let too_large = format!("{JSON}content-length: {}\r\n", MAX_MESSAGE_BYTES + 1);
    with_each_method("transport=http", |address, method| {
        let path = method.http_path;
        for (fields, body, status, slug) in [
            (&*format!("{JSON}content-length: 1\r\n"), &b"{"[..], 400, "malformed"),
            (&*format!("{JSON}content-length: 3\r\n"), b"\"\xff\"", 400, "malformed"),
            (&*format!("{JSON}content-length: 0\r\n"), b"", 400, "malformed"),
            (&*format!("{JSON}content-length: 30\r\n"), b"{", 400, "malformed"),
            (&*format!("{JSON}transfer-encoding: chunked\r\n"), b"zz\r\n", 400, "malformed"),
            (&too_large, b"", 413, "too-large"),
            ("content-length: 2\r\n", b"{}", 415, "not-json"),
            ("content-type: text/plain\r\ncontent-length: 2\r\n", b"{}", 415, "not-json"),
            ("content-type: application/grpc\r\ncontent-length: 5\r\n", &[0; 5], 415, "not-json"),
            (&*format!("{JSON}content-encoding: gzip\r\ncontent-length: 2\r\n"), b"{}", 415, "not-json"),
            (&*format!("{JSON}x-timeout-ms: 0\r\ncontent-length: 2\r\n"), b"{}", 504, "too-late"),
        ] {
            let reply = post(address, path, fields, body);
            reply.is_problem(status, slug);
            assert!(!reply.text("detail").is_empty(), "{path}: {reply:?}");
        }
        post(address, &format!("{path}-not"), JSON, b"").is_problem(404, "no-such-method");
        let get = format!("GET {path} HTTP/1.1\r\nhost: here\r\n\r\n");
        let get = Wire::saying(address, get).reply();
        get.is_problem(405, "method-not-allowed");
        assert_eq!(get.header("allow"), "POST", "{path}");
        // Never sends the announced bytes, and gives a time-out.
        let slow = format!(
            "POST {path} HTTP/1.1\r\nhost: here\r\n{JSON}x-timeout-ms: 50\r\ncontent-length: 9\r\n\r\n{{"
        );
        Wire::saying(address, slow).reply().is_problem(504, "too-late");
        // Valid JSON of another contract: refused, or ignored as an unknown field.
        let other = br#"{"nobody": "knows this"}"#;
        let other = post(address, path, &format!("{JSON}content-length: {}\r\n", other.len()), other);
        assert!(other.status < 500, "{path}: {other:?}");
    });
}

/// The reply to a call over gRPC.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// A gRPC status, with a message unless it is OK.
    Grpc(Code),
    /// An HTTP problem.
    Problem(u16),
}

/// The reply to a call with these header fields and this body.
async fn call(address: SocketAddr, verb: &str, path: &str, fields: &[(&str, &str)], body: Body) -> Told {
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Body>();
    let mut request = Request::builder().method(verb).uri(format!("http://{address}{path}"));
    for (name, value) in fields {
        request = request.header(HeaderName::try_from(*name).unwrap(), *value);
    }
    let response = client.request(request.body(body).unwrap()).await.unwrap();
    if response.headers()["content-type"] == "application/problem+json" {
        let status = response.status().as_u16();
        let document = response.into_body().collect().await.unwrap().to_bytes();
        let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
        assert!(!document["detail"].as_str().unwrap().is_empty(), "{document}");
        return Told::Problem(status);
    }
    assert_eq!(response.status(), 200, "a call over gRPC is told its status in its own field");
    let told = Status::from_header_map(response.headers());
    let trailers = response.into_body().collect().await.unwrap().trailers().cloned().unwrap_or_default();
    let told = told.or_else(|| Status::from_header_map(&trailers)).unwrap();
    assert!(told.code() == Code::Ok || !told.message().is_empty(), "{told:?}");
    Told::Grpc(told.code())
}

/// A body that never ends.
fn endless(begins: &'static [u8]) -> Body {
    let begun = stream::once(async move { Ok::<_, Infallible>(Bytes::from_static(begins)) });
    Body::from_stream(begun.chain(stream::pending()))
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");
const TE: (&str, &str) = ("te", "trailers");
/// A frame with an empty message, which is valid protobuf.
const EMPTY: &[u8] = &[0; 5];
/// A frame with a field that no message has: number 2,000, a string.
const UNKNOWN_FIELD: &[u8] = &[0, 0, 0, 0, 4, 0x82, 0x7d, 1, b'x'];

#[test]
fn a_bad_call_over_grpc_is_told_what_is_wrong_with_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    with_each_method("transport=grpc", |address, method| {
        let within =
            async { tokio::time::timeout(ANSWER_WITHIN, bad_grpc_calls(address, method.grpc_path)).await };
        runtime.block_on(within).unwrap_or_else(|_| panic!("{}: it hangs", method.grpc_path));
    });
}

async fn bad_grpc_calls(address: SocketAddr, path: &str) {
    let too_large = [&[0][..], &(MAX_MESSAGE_BYTES as u32 + 1).to_be_bytes()].concat();
    let grpc = Told::Grpc;
    for (what, fields, body, told) in [
        ("no protobuf", &[][..], Body::from(&[0, 0, 0, 0, 2, 255, 255][..]), grpc(Code::Internal)),
        ("no message", &[], Body::empty(), grpc(Code::Internal)),
        ("half a head of a frame", &[], Body::from(&[0, 0, 0][..]), grpc(Code::Internal)),
        ("half a frame", &[], Body::from(&[0, 0, 0, 0, 9, 10][..]), grpc(Code::Internal)),
        ("a frame of no known kind", &[], Body::from(&[7, 0, 0, 0, 0][..]), grpc(Code::Internal)),
        (
            "a compressed frame that does not say how",
            &[],
            Body::from(&[1, 0, 0, 0, 0][..]),
            grpc(Code::Internal),
        ),
        (
            "a compressed frame",
            &[("grpc-encoding", "gzip")],
            Body::from(&[1, 0, 0, 0, 0][..]),
            grpc(Code::Unimplemented),
        ),
        ("too large", &[], Body::from(too_large), grpc(Code::OutOfRange)),
        ("too late", &[("grpc-timeout", "0n")], Body::from(EMPTY), grpc(Code::DeadlineExceeded)),
        ("a slow one", &[("grpc-timeout", "50m")], endless(&[0, 0]), grpc(Code::DeadlineExceeded)),
    ] {
        let fields = [&[GRPC, TE], fields].concat();
        assert_eq!(call(address, "POST", path, &fields, body).await, told, "{path}: {what}");
    }
    for kind in ["application/json", "text/plain", ""] {
        let told = call(address, "POST", path, &[("content-type", kind), TE], Body::from(EMPTY)).await;
        assert_eq!(told, Told::Problem(415), "{path}: `{kind}`");
    }
    assert_eq!(call(address, "GET", path, &[GRPC, TE], Body::empty()).await, Told::Problem(405), "{path}");
    let no_method = format!("{path}Not");
    assert_eq!(
        call(address, "POST", &no_method, &[GRPC, TE], Body::from(EMPTY)).await,
        grpc(Code::Unimplemented)
    );
    // Equivalent to an empty message, which some methods accept and others refuse with a message.
    let unknown = call(address, "POST", path, &[GRPC, TE], Body::from(UNKNOWN_FIELD)).await;
    assert!(matches!(unknown, Told::Grpc(Code::Ok | Code::InvalidArgument)), "{path}: {unknown:?}");
}
