//! Bad input: each a documented error, and none an effect.

use std::time::Duration;

use axum::body::Body;
use payment_provider::{Config, Latency, Limits, Script};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Provider, charge, config, folder};

const JSON: (&str, &str) = ("content-type", "application/json");
const KEY: (&str, &str) = ("idempotency-key", "a");

fn with(field: &str, value: Value) -> Value {
    let mut body = charge("1");
    body[field] = value;
    body
}

#[tokio::test]
async fn a_value_that_cannot_be_meant_is_refused() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let long = "x".repeat(65);
    for (field, value) in [
        ("amount_minor", json!(-1)),
        ("amount_minor", json!(0)),
        ("amount_minor", json!(100_000_000)),
        ("amount_minor", json!(i64::MIN)),
        ("amount_minor", json!(u64::MAX)),
        ("amount_minor", json!(1.5)),
        ("amount_minor", json!("500")),
        ("amount_minor", Value::Null),
        ("currency", json!("XXX")),
        ("currency", json!("eur")),
        ("currency", json!("")),
        ("token", json!("")),
        ("token", json!("a b")),
        ("order", json!(long)),
        ("order", json!("é")),
        ("capture", json!("yes")),
        ("amount", json!(500)),
    ] {
        let reply = provider.post("/charges", "a", &with(field, value.clone())).await;
        assert_eq!(reply.problem(), (422, "invalid"), "{field}: {value}");
    }
    let id = provider.authorised("1", "b").await;
    for amount in [-1, 0, i64::MAX] {
        assert_eq!(provider.capture(&id, "c", amount).await.problem(), (422, "invalid"), "{amount}");
        assert_eq!(provider.refund(&id, "c", amount).await.problem(), (422, "invalid"), "{amount}");
    }
    assert_eq!(provider.charges().await.len(), 1);
}

#[tokio::test]
async fn a_body_that_is_no_json_or_not_said_to_be_is_refused() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    for body in ["{", "", "[1", "{\"order\":}", "\u{0}"] {
        let reply = provider.post_raw("/charges", &[KEY, JSON], body).await;
        let expected = if body.is_empty() { (422, "invalid") } else { (400, "malformed") };
        assert_eq!(reply.problem(), expected, "{body:?}");
    }
    let text = charge("1").to_string();
    let kinds: [&[(&str, &str)]; 2] = [&[KEY], &[KEY, ("content-type", "text/plain")]];
    for headers in kinds {
        let reply = provider.post_raw("/charges", headers, text.clone()).await;
        assert_eq!(reply.problem(), (415, "not-json"));
    }
    assert_eq!(provider.charges().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_huge_body_is_refused_unread_or_while_it_arrives() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let announced = provider.post_raw("/charges", &[KEY, JSON], " ".repeat(100_000)).await;
    assert_eq!(announced.problem(), (413, "too-large"));
    let pieces = (0..100).map(|_| Ok::<_, std::io::Error>(" ".repeat(1_000)));
    let streamed = Body::from_stream(futures::stream::iter(pieces));
    let reply = provider.post_raw("/charges", &[KEY, JSON], streamed).await;
    assert_eq!(reply.problem(), (413, "too-large"));
}

#[tokio::test]
async fn a_key_is_there_once_and_is_short() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let body = charge("1").to_string();
    let long = "k".repeat(256);
    let missing = provider.post_raw("/charges", &[JSON], body.clone()).await;
    assert_eq!(missing.problem(), (400, "key-missing"));
    let keys: [&[&str]; 4] = [&["a", "b"], &[""], &["a b"], &[&long]];
    for keys in keys {
        let mut headers = vec![JSON];
        headers.extend(keys.iter().map(|key| ("idempotency-key", *key)));
        let reply = provider.post_raw("/charges", &headers, body.clone()).await;
        assert_eq!(reply.problem(), (400, "malformed"), "{keys:?}");
    }
    assert_eq!(provider.authorise("1", &"k".repeat(255)).await.status, 201);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_as_well() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    assert_eq!(provider.get("/nothing").await.problem(), (404, "no-such-path"));
    assert_eq!(provider.get("/charges/ch_0").await.problem(), (404, "no-such-charge"));
    assert_eq!(provider.get("/charges/%ff").await.problem(), (400, "malformed"));
    assert_eq!(provider.void("ch_0", "a").await.problem(), (404, "no-such-charge"));
    assert_eq!(provider.post("/books", "a", &json!({})).await.problem(), (405, "method-not-allowed"));
    assert_eq!(provider.get("/charges").await.problem(), (400, "malformed"));
    for query in ["limit=0", "limit=1001"] {
        assert_eq!(provider.get(&format!("/books?{query}")).await.problem(), (422, "invalid"), "{query}");
    }
    for query in ["limit=1&limit=2", "limit=-1", "after=x", "limit=99999999999"] {
        assert_eq!(provider.get(&format!("/books?{query}")).await.problem(), (400, "malformed"), "{query}");
    }
}

#[tokio::test]
async fn an_endpoint_is_a_url_over_http() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let long = format!("http://a/{}", "x".repeat(2_000));
    for url in ["", "/webhooks", "ftp://a/", "https://a/", "http://", "http://u:p@a/", "http://a/#b", &long] {
        let request = axum::http::Request::put(format!("http://{}/webhook-endpoint", provider.address))
            .header(JSON.0, JSON.1)
            .body(Body::from(json!({ "url": url }).to_string()));
        let reply = provider.send(request.unwrap()).await.unwrap();
        assert_eq!(reply.problem(), (422, "invalid"), "{url}");
    }
    assert_eq!(provider.get("/webhook-endpoint").await.body["url"], Value::Null);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for_without_a_limit() {
    let folder = folder();
    let limits = Limits { body_ms: 50, ..Limits::default() };
    let provider = Provider::start(Config { limits, ..config(folder.path()) }).await;
    let mut stream = TcpStream::connect(provider.address).await.unwrap();
    let head =
        "POST /charges HTTP/1.1\r\nhost: a\r\nidempotency-key: a\r\ncontent-type: application/json\r\n";
    stream.write_all(format!("{head}content-length: 10\r\n\r\n{{").as_bytes()).await.unwrap();
    let mut reply = [0; 12];
    timeout(Duration::from_secs(10), stream.read_exact(&mut reply)).await.unwrap().unwrap();
    assert_eq!(&reply, b"HTTP/1.1 408");
}

#[tokio::test]
async fn a_full_provider_refuses_at_once() {
    let folder = folder();
    let script = Script { latency: Latency::Fixed { ms: 60_000.0 }, ..Script::default() };
    let limits = Limits { in_flight: 1, drain_ms: 10, ..Limits::default() };
    let provider = Provider::start(Config { script, limits, ..config(folder.path()) }).await;
    let first = timeout(Duration::from_millis(100), provider.authorise("1", "a")).await;
    assert!(first.is_err(), "it takes a minute");
    let reply = provider.authorise("1", "b").await;
    assert_eq!(reply.problem(), (503, "overloaded"));
    assert_eq!(reply.headers["retry-after"], "1");
    timeout(Duration::from_secs(10), provider.stop()).await.expect("what hangs is cut off");
}
