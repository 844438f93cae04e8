//! The refusals of the public API.

use http::Method;
use serde_json::{Value, json};

use super::{JSON, long};
use crate::edge_client::EdgeClient;

pub(super) fn values_that_may_not_be_are_refused(edge: &EdgeClient) {
    let refused = |body: Value, slug: &str| edge.shorten(&body).is_problem(422, slug);
    for target in [
        "ftp://example.com/",
        "javascript:alert(1)",
        "file:///etc/hosts",
        "example.com",
        "/relative",
        "https://",
        "",
        "https://example.com/a b",
        "https://example.com/\r\nSet-Cookie: a=b",
        "https://example.com/ä",
        " https://example.com/",
        "ht\ttps://example.com/",
        "http:loop",
        "http:/example.com/",
        "http:\\\\example.com/",
        "http:///example.com/",
        "//example.com/",
        "http://0x7f.1/",
        "http://[::1/",
        "http://exam%70le.com/",
        "http://example.com:65536/",
        "http://user:word@example.com/",
        "http://münchen.example/",
        "http://example.com/\"",
        "http://example.com/a\\b",
        &long(2_049),
    ] {
        refused(json!({ "target": target }), "invalid-target");
    }
    let sound = "https://example.com/";
    for alias in ["", "a b", "a/b", "a.b", "ä", &"x".repeat(33)] {
        refused(json!({ "target": sound, "alias": alias }), "invalid-alias");
    }
    for alias in ["links", "LINKS"] {
        refused(json!({ "target": sound, "alias": alias }), "alias-reserved");
    }
    for past in ["2001-01-01T00:00:00Z", "1901-01-01T00:00:00+02:00"] {
        refused(json!({ "target": sound, "expires_at": past }), "expiry-in-the-past");
    }
    for malformed in [
        "tomorrow",
        "",
        "2999-13-01T00:00:00Z",
        "2999-01-01",
        "32503680000",
        "10000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-00:01",
    ] {
        refused(json!({ "target": sound, "expires_at": malformed }), "invalid-expires-at");
    }
}

pub(super) fn bodies_that_cannot_be_read_are_refused(edge: &EdgeClient) {
    let json = [JSON];
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{}",
        r#"{"target": 1}"#,
        r#"{"target": null}"#,
        r#"{"target": "https://example.com/", "colour": "red"}"#,
        r#"{"target": "https://example.com/"} and more"#,
        r#"{"target": "https://example.com/", "expires_at": 32503680000}"#,
    ] {
        edge.post(&json, body).is_problem(400, "malformed");
    }
    edge.post(&json, &b"{\"target\": \"https://example.com/\xff\"}"[..]).is_problem(400, "malformed");
    let sound = r#"{"target": "https://example.com/"}"#;
    edge.post(&[], sound).is_problem(415, "not-json");
    edge.post(&[("content-type", "text/plain")], sound).is_problem(415, "not-json");
    assert_eq!(edge.post(&[("content-type", "application/json; charset=utf-8")], sound).status, 201);

    let padded = |bytes: usize| format!("{sound}{}", " ".repeat(bytes - sound.len()));
    assert_eq!(edge.post(&json, padded(64 * 1_024)).status, 201);
    edge.post(&json, padded(64 * 1_024 + 1)).is_problem(413, "too-large");
}

pub(super) fn what_is_not_there_is_not_found(edge: &EdgeClient) {
    for code in ["nothing-here", "favicon.ico", "%C3%A4", "%ff", &"x".repeat(33)] {
        edge.follow(code).is_problem(404, "no-such-link");
        edge.show(code).is_problem(404, "no-such-link");
        assert_eq!(edge.ask(&Method::HEAD, &format!("/{code}"), &[], "").status, 404);
    }
    for path in ["/", "/a/b/c", "/links/a/b", "/nothing/here"] {
        edge.get(path).is_problem(404, "no-such-path");
        // A content type of gRPC makes no difference on a public path.
        let grpc = [("content-type", "application/grpc")];
        edge.ask(&Method::POST, path, &grpc, "").is_problem(404, "no-such-path");
    }
}

pub(super) fn methods_that_a_resource_lacks_are_refused(edge: &EdgeClient) {
    for (method, path, allowed) in [
        (Method::GET, "/links", "POST"),
        (Method::PUT, "/links", "POST"),
        (Method::PATCH, "/links/some-code", "GET,HEAD,DELETE"),
        (Method::POST, "/some-code", "GET,HEAD"),
        (Method::DELETE, "/some-code", "GET,HEAD"),
        (Method::POST, "/openapi.json", "GET,HEAD"),
    ] {
        let reply = edge.ask(&method, path, &[], "");
        reply.is_problem(405, "method-not-allowed");
        assert_eq!(reply.header("allow"), allowed, "{method} {path}");
    }
}

/// The system listens on loopback, so every name of loopback leads to it; so does the name that a client
/// uses.
pub(super) fn what_leads_to_itself_is_refused_and_not_followed(edge: &EdgeClient) {
    let port = edge.address().port();
    for host in [
        "127.0.0.1",
        "127.1.2.3",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:7f00:1]",
    ] {
        for asked_at in [format!("127.0.0.1:{port}"), "elsewhere.example".to_owned()] {
            let body = json!({ "target": format!("https://{host}:{port}/another") });
            let reply = edge.post(&[JSON, ("host", &asked_at)], body.to_string());
            reply.is_problem(422, "leads-to-itself");
        }
        let other_port = json!({ "target": format!("http://{host}:{}/", port ^ 1) });
        assert_eq!(edge.shorten(&other_port).status, 201, "{host}: another server of this machine");
    }
    let other = json!({ "target": "http://other.example:8080/code" });
    let code = edge.post(&[JSON, ("host", "other.example:8080")], other.to_string()).made();
    let asked_at = |host| edge.ask(&Method::GET, &format!("/{code}"), &[("host", host)], "");
    for host in ["other.example:8080", "OTHER.example.:8080"] {
        asked_at(host).is_problem(421, "leads-to-itself");
    }
    for host in ["other.example", "another.example:8080"] {
        assert_eq!(asked_at(host).header("location"), "http://other.example:8080/code", "to somewhere else");
    }
}
