//! Both edges with misbehaving clients: every request gets a well-formed reply.

use std::{net::SocketAddr, time::Duration};

use axum::http::Method;
use design::Wiring;
use scenario::plan::ArmPlan;
use serde_json::Value;
use system_tests::{
    edge_client::{EdgeClient, Reply},
    wire::Wire,
    wirings::Wirings,
};

/// An operation with a body: the system, the method, the path, a valid body, the status that it gets, and the
/// largest body in bytes.
type Operation = (&'static str, Method, &'static str, &'static str, u16, usize);

const OPERATIONS: [Operation; 4] = [
    ("shortener", Method::POST, "/links", r#"{"target": "https://example.com/"}"#, 201, 64 * 1_024),
    ("limiter", Method::PUT, "/policies", r#"{"policies": []}"#, 200, 256 * 1_024),
    ("limiter", Method::POST, "/decisions", r#"{"facts": {}}"#, 200, 64 * 1_024),
    ("chat", Method::POST, "/tokens", r#"{"user": "ann"}"#, 201, 64 * 1_024),
];

/// Starts each system as one process; calls `work` with its address and description.
fn with_both(work: impl Fn(&str, SocketAddr, &Value) + Sync) {
    for name in ["shortener", "limiter", "chain", "cart", "chat"] {
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

/// Calls `work` with each operation that has a body.
fn with_each_operation(work: impl Fn(&Operation, SocketAddr, &Value) + Sync) {
    with_both(|system, address, document| {
        for operation in OPERATIONS.iter().filter(|operation| operation.0 == system) {
            work(operation, address, document);
        }
    });
}

/// The head of a request, without the fields about its body's length.
fn head(operation: &Operation, fields: &str) -> String {
    let (_, method, path, ..) = operation;
    format!("{method} {path} HTTP/1.1\r\nhost: here\r\n{fields}")
}

const JSON: &str = "content-type: application/json\r\n";

/// Fails unless the reply is this problem, keeps the promises of every reply, and is in the description.
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
            "content-type: application/json ;charset=utf-8\r\n",
            "content-type: application/json\t;;a=b\r\n",
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

#[test]
fn a_client_that_sends_on_hears_why_it_was_refused() {
    with_each_operation(|operation, address, document| {
        // More than the socket buffers hold, so the client is still sending when the reply comes.
        let body = vec![b' '; 8 << 20];
        let announced = head(operation, &format!("{JSON}content-length: {}\r\n\r\n", body.len()));
        let mut wire = Wire::saying(address, announced);
        std::thread::sleep(Duration::from_millis(20));
        wire.say(&body);
        let reply = wire.reply();
        is_described_problem(&reply, operation, document, 413, "too-large");
        assert_eq!(reply.header("connection"), "close");
        wire.is_closed();
    });
}

#[test]
fn a_body_that_nobody_wants_is_in_nobodys_way() {
    with_both(|_, address, document| {
        let post = |length: usize| {
            format!("POST /no/such/path HTTP/1.1\r\nhost: here\r\ncontent-length: {length}\r\n\r\n")
        };
        let get = "GET /openapi.json HTTP/1.1\r\nhost: here\r\n\r\n";
        // Bytes that came with the head are skipped, and the next request gets a reply.
        let mut wire = Wire::saying(address, format!("{}{{}}{get}", post(2)));
        wire.reply().is_problem(404, "no-such-path");
        assert_eq!(wire.reply().json(), *document);
        // The server does not read the rest: the connection ends, and the client still gets the reply.
        let mut wire = Wire::saying(address, post(8 << 20));
        wire.say(vec![b' '; 8 << 20]);
        let reply = wire.reply();
        reply.is_problem(404, "no-such-path");
        assert_eq!(reply.header("connection"), "close");
        wire.is_closed();
    });
}

#[test]
fn what_begins_in_another_protocol_is_not_answered_in_ours() {
    with_both(|_, address, _| {
        // Another protocol than HTTP, and an invalid preface of HTTP/2.
        for said in ["GET / ICY/1.0\r\n\r\n", "INVALID CONNECTION PREFACE\r\n\r\n"] {
            Wire::saying(address, said).is_closed();
        }
    });
}

/// Fails unless the connection gets this problem, which keeps the promises of every reply and ends the
/// connection if it says so; and unless the description has it for each operation.
#[track_caller]
fn is_refused(wire: &mut Wire, document: &Value, status: u16, slug: &str) {
    let reply = wire.reply();
    reply.is_problem(status, slug);
    reply.keeps_what_every_reply_promises(&Method::GET, "what came");
    if reply.header("connection") == "close" {
        wire.is_closed();
    }
    let paths = document["paths"].as_object().expect("paths").values();
    for operation in paths.flat_map(|path| path.as_object().expect("operations").values()) {
        let described = &operation["responses"][status.to_string()]["content"]["application/problem+json"];
        assert!(described.is_object(), "{status}: {operation}");
    }
}

#[test]
fn what_is_no_request_is_told_so_as_every_mistake_is() {
    with_both(|_, address, document| {
        let refused = |said: &str, status, slug: &str| {
            // Alone, and directly after a valid request.
            is_refused(&mut Wire::saying(address, said), document, status, slug);
            let fine = "GET /openapi.json HTTP/1.1\r\nhost: here\r\n\r\n";
            let mut wire = Wire::saying(address, format!("{fine}{said}"));
            assert_eq!(wire.reply().status, 200);
            is_refused(&mut wire, document, status, slug);
        };
        for said in [
            "nonsense\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: here\r\na b: c\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: here\r\na: b\0c\r\n\r\n",
            "GET / HTTP/7.3\r\nhost: here\r\n\r\n",
            "G@T / HTTP/1.1\r\nhost: here\r\n\r\n",
            "GET /\x7f HTTP/1.1\r\nhost: here\r\n\r\n",
            "POST /links HTTP/1.1\r\nhost: here\r\ncontent-length: +2\r\n\r\n{}",
            "POST /links HTTP/1.1\r\nhost: here\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
            "POST /links HTTP/1.1\r\nhost: here\r\ntransfer-encoding: gzip\r\n\r\n{}",
            "POST /links HTTP/1.0\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET / b HTTP/1.1\r\nhost: here\r\n\r\n",
        ] {
            refused(said, 400, "malformed");
        }
        for bytes in [20_000, 70_000] {
            refused(
                &format!("GET /{} HTTP/1.1\r\nhost: here\r\n\r\n", "x".repeat(bytes)),
                414,
                "target-too-long",
            );
        }
        let fields = |fields: String| format!("GET /quotes/1 HTTP/1.1\r\nhost: here\r\n{fields}\r\n");
        for large in ["a: b\r\n".repeat(101), format!("a: {}\r\n", "x".repeat(40_000))] {
            refused(&fields(large), 431, "header-fields-too-large");
        }
        // More than hyper accepts, with more to come.
        let huge = fields(format!("a: {}\r\n", "x".repeat(8 << 20)));
        is_refused(&mut Wire::saying(address, huge), document, 431, "header-fields-too-large");
    });
}

#[test]
fn a_request_names_one_sound_host() {
    with_both(|_, address, document| {
        for host in [
            "",
            "host: here\r\nhost: here\r\n",
            "Host: \r\n",
            "host: a b\r\n",
            "host: me@here\r\n",
            "host: here:x\r\n",
        ] {
            let said = format!("GET /openapi.json HTTP/1.1\r\n{host}\r\n");
            is_refused(&mut Wire::saying(address, said), document, 400, "malformed");
        }
        for fine in
            ["GET /openapi.json HTTP/1.0\r\n\r\n", "GET /openapi.json HTTP/1.1\r\nHOST: [::1]:8080\r\n\r\n"]
        {
            assert_eq!(Wire::saying(address, fine).reply().status, 200);
        }
    });
}
