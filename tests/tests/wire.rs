//! Both edges at the hands of clients that misbehave: whatever comes over the wire is answered in the same words.

use std::net::SocketAddr;

use axum::http::Method;
use lab::plan::ArmPlan;
use runtime::Wiring;
use serde_json::Value;
use system_tests::{edge_client::EdgeClient, edge_client::Reply, wire::Wire, wirings::Wirings};

/// An operation with a body: the system, the method, the path, a body that is fine, the status that it gets, and the
/// largest body, bytes.
type Operation = (&'static str, Method, &'static str, &'static str, u16, usize);

const OPERATIONS: [Operation; 3] = [
    ("shortener", Method::POST, "/links", r#"{"target": "https://example.com/"}"#, 201, 64 * 1_024),
    ("limiter", Method::PUT, "/policies", r#"{"policies": []}"#, 200, 256 * 1_024),
    ("limiter", Method::POST, "/decisions", r#"{"facts": {}}"#, 200, 64 * 1_024),
];

/// Starts each system as one process, and does something with its address and its own description.
fn with_both(work: impl Fn(&str, SocketAddr, &Value) + Sync) {
    for name in ["shortener", "limiter"] {
        let system = Wirings::of(name, env!("CARGO_BIN_EXE_hosted"));
        let wiring = Wiring::with(system.system, []).expect("the defaults");
        system.with_each(&[ArmPlan::new(name.to_owned(), wiring)], |launch| {
            let address = launch.arms[0].public;
            let document = EdgeClient::new(address).get("/openapi.json").json();
            work(name, address, &document);
            assert_eq!(launch.death(), None);
        });
    }
}

/// Does something with each operation that has a body.
fn with_each_operation(work: impl Fn(&Operation, SocketAddr, &Value) + Sync) {
    with_both(|system, address, document| {
        for operation in OPERATIONS.iter().filter(|operation| operation.0 == system) {
            work(operation, address, document);
        }
    });
}

/// The head of a request, without what says how long its body is.
fn head(operation: &Operation, fields: &str) -> String {
    let (_, method, path, ..) = operation;
    format!("{method} {path} HTTP/1.1\r\nhost: here\r\n{fields}")
}

const JSON: &str = "content-type: application/json\r\n";

/// Fails unless the reply is that problem, with what every reply has, and is described.
#[track_caller]
fn is_described_problem(reply: &Reply, operation: &Operation, document: &Value, status: u16, slug: &str) {
    let (_, method, path, ..) = operation;
    reply.is_problem(status, slug);
    reply.keeps_what_every_reply_promises(method, path);
    let described = &document["paths"][path][method.as_str().to_lowercase()]["responses"][status.to_string()];
    assert!(described["content"]["application/problem+json"].is_object(), "{method} {path}: {described}");
}

#[test]
fn a_body_that_is_broken_is_malformed_and_not_too_large() {
    with_each_operation(|operation, address, document| {
        let chunked = head(operation, &format!("{JSON}transfer-encoding: chunked\r\n\r\n"));
        for broken in ["zz\r\n{}\r\n0\r\n\r\n", "2\r\n{}", "2\r\n{}zz0\r\n\r\n", "ffffffffffffffffff\r\n"] {
            let mut wire = Wire::saying(address, format!("{chunked}{broken}"));
            wire.ends();
            is_described_problem(&wire.reply(), operation, document, 400, "malformed");
            wire.is_closed();
        }
        let mut cut = Wire::saying(address, head(operation, &format!("{JSON}content-length: 30\r\n\r\n{{")));
        cut.ends();
        is_described_problem(&cut.reply(), operation, document, 400, "malformed");
    });
}

#[test]
fn a_body_that_announces_too_much_is_refused_at_once() {
    with_each_operation(|operation, address, document| {
        let too_much = operation.5 + 1;
        for fields in [JSON.to_owned(), format!("{JSON}expect: 100-continue\r\n")] {
            let announced = head(operation, &format!("{fields}content-length: {too_much}\r\n\r\n"));
            let mut wire = Wire::saying(address, announced);
            is_described_problem(&wire.reply(), operation, document, 413, "too-large");
        }
        let chunked = head(operation, &format!("{JSON}transfer-encoding: chunked\r\n\r\n"));
        let padding = " ".repeat(too_much);
        let mut wire = Wire::saying(address, format!("{chunked}{too_much:x}\r\n{padding}\r\n"));
        is_described_problem(&wire.reply(), operation, document, 413, "too-large");
    });
}

#[test]
fn a_body_that_is_slow_has_a_status_of_its_own() {
    with_each_operation(|operation, address, document| {
        let mut wire = Wire::saying(address, head(operation, &format!("{JSON}content-length: 30\r\n\r\n{{")));
        is_described_problem(&wire.reply(), operation, document, 408, "body-too-slow");
        wire.is_closed();
    });
}

#[test]
fn a_media_type_is_compared_as_such() {
    with_each_operation(|operation, address, document| {
        let (_, _, _, body, fine, _) = operation;
        let asked = |fields: &str| {
            let length = body.len();
            let request = head(operation, &format!("{fields}content-length: {length}\r\n\r\n{body}"));
            Wire::saying(address, request).reply()
        };
        for json in [
            "Content-Type: Application/JSON\r\n",
            "content-type: application/json; charset=utf-8\r\n",
            "content-type: application/JSON;charset=\"UTF-8\"\r\n",
            "content-type:\tapplication/json \r\ncontent-encoding: Identity\r\n",
        ] {
            let reply = asked(json);
            assert_eq!(reply.status, *fine, "{json}: {reply:?}");
        }
        for other in [
            "",
            "content-type: \r\n",
            "content-type: json\r\n",
            "content-type: text/plain\r\n",
            "content-type: application/jsonp\r\n",
            "content-type: text/plain; application/json\r\n",
            "content-type: application/json\r\ncontent-encoding: gzip\r\n",
        ] {
            is_described_problem(&asked(other), operation, document, 415, "not-json");
        }
        let twice = asked(&format!("{JSON}{JSON}"));
        is_described_problem(&twice, operation, document, 400, "malformed");
    });
}
