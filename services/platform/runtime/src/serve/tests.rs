//! Connections at the hands of clients that vanish, misbehave, or keep what they have.

use std::{
    error::Error as _,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    routing::get,
};
use hyper::client::conn::TrySendError;
use hyper_util::rt::TokioIo;
use prometheus_client::registry::Registry;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, timeout},
};

use super::*;
use crate::{Sampling, ServerMetrics};

const FIRST: Duration = Duration::from_millis(50);

/// Bytes that the buffers of a connection do not hold, on either side.
const MORE_THAN_A_SOCKET_HOLDS: usize = 64 << 20;

/// The preface of HTTP/2 and empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// `GET /` at the host `here`, as the static table of HPACK has it.
const GET: &[u8] = b"\x82\x84\x86\x41\x04here";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame of the first stream.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, 1], payload].concat()
}

fn ingress() -> Ingress {
    let metrics = ServerMetrics::register(&mut Registry::default()).of("public");
    let routes = Router::new()
        .route("/", get(async || StatusCode::NO_CONTENT))
        .route("/openapi.json", get(async || "{}"))
        .route("/large", get(async || "x".repeat(MORE_THAN_A_SOCKET_HOLDS)));
    Ingress::public(routes, Limits::default(), Sampling::Off, metrics)
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_gives_its_place_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let ingress = ingress();
    let limits = ServeLimits { connections: 1, first: FIRST, ..ServeLimits::from(&Limits::default()) };
    tokio::spawn(serve(listener, ingress, limits, CancellationToken::new()));

    // There is one place: each is served because the one before has lost it.
    for said in ["", "PRI * HTTP", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nhost:"] {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(said.as_bytes()).await.expect("it can be written");
        let ended = timeout(Duration::from_secs(5), stream.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "after {said:?} it is closed");
    }
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await.expect("it can be written");
        let mut reply = vec![0; 4096];
        let read = timeout(Duration::from_secs(5), stream.read(&mut reply)).await.expect("in time");
        assert!(reply[..read.expect("it can be read")].starts_with(b"HTTP/1.1 204"));
        tokio::time::sleep(FIRST * 2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_of_http_2_that_vanished_gives_its_place_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(serve(listener, ingress(), (&Limits::default()).into(), CancellationToken::new()));
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    // A request, and then nothing, not even to a ping.
    stream
        .write_all(&[PREFACE, &frame(HEADERS, END_STREAM | END_HEADERS, GET)].concat())
        .await
        .expect("it can be written");
    let asked = Instant::now();
    let mut heard = Vec::new();
    timeout(10 * PING_EVERY, stream.read_to_end(&mut heard)).await.expect("it is closed").expect("in order");
    assert!(heard.len() > 50, "it was answered first: {heard:?}");
    assert!(asked.elapsed() >= PING_EVERY + PONG_WITHIN, "after {:?}", asked.elapsed());
}

/// Says this over HTTP/2, and reads frames until one of the first stream ends it: its kind, and the status if it is
/// the head of a reply.
async fn ended_by(said: &[&[u8]]) -> (u8, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let limits = ServeLimits::from(&Limits::default());
    tokio::spawn(serve(listener, ingress(), limits, CancellationToken::new()));
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(&[&[PREFACE], said].concat().concat()).await.expect("it can be written");
    loop {
        let mut head = [0; 9];
        timeout(Duration::from_secs(5), stream.read_exact(&mut head))
            .await
            .expect("in time")
            .expect("a frame");
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).await.expect("a whole frame");
        if head[8] == 1 && matches!(head[3], HEADERS | RST_STREAM) {
            return (head[3], payload);
        }
    }
}

#[tokio::test]
async fn a_request_of_http_2_that_is_malformed_at_its_end_is_not_answered() {
    let head = frame(HEADERS, END_HEADERS, GET);
    let body = frame(DATA, 0, b"test");
    // Trailers that do not end the stream, and `:method` behind a field. (Alone, the library leaves it out.)
    let open = frame(HEADERS, END_HEADERS, b"\x82");
    let late = frame(HEADERS, END_STREAM | END_HEADERS, b"\0\x01a\x01b\x82");
    for trailers in [open, late] {
        let (ended, reason) = ended_by(&[&head, &body, &trailers]).await;
        assert_eq!((ended, &reason[..]), (RST_STREAM, &[0, 0, 0, 1][..]), "a protocol error");
    }
    let sound = frame(HEADERS, END_STREAM | END_HEADERS, b"\0\x01a\x01b");
    let (ended, reply) = ended_by(&[&head, &body, &sound]).await;
    assert_eq!((ended, reply[0]), (HEADERS, 0x89), "204");
    // One that never ends is answered all the same.
    let (ended, reply) = ended_by(&[&head, &body]).await;
    assert_eq!((ended, reply[0]), (HEADERS, 0x89), "204");
}

#[tokio::test]
async fn a_head_of_http_2_that_is_too_large_is_told_so_in_a_document() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(serve(listener, ingress(), (&Limits::default()).into(), CancellationToken::new()));
    let stream = TokioIo::new(TcpStream::connect(address).await.expect("it listens"));
    let shake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
    let (mut requests, wire) = shake.await.expect("HTTP/2");
    tokio::spawn(wire);
    let long = "x".repeat(head::FIELDS_BYTES);
    let target = format!("http://{address}/{long}");
    for (target, field, status) in [("http://here/", long.as_str(), 431), (&target, "", 414)] {
        let request = Request::get(target).header("a", field).body(Body::empty()).expect("a request");
        let reply = requests.send_request(request).await.expect("a reply");
        assert_eq!(reply.status(), status);
        assert_eq!(reply.headers()["content-type"], "application/problem+json");
        assert_eq!(reply.headers()["x-request-id"].len(), 32);
    }
}

/// What a server says first to these bytes of HTTP/1.
async fn first_reply(said: &[u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(serve(listener, ingress(), (&Limits::default()).into(), CancellationToken::new()));
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(said).await.expect("it is read");
    let mut reply = vec![0; 4_096];
    let read = timeout(Duration::from_secs(10), stream.read(&mut reply)).await.expect("a reply in time");
    reply.truncate(read.expect("it can be read"));
    String::from_utf8(reply).expect("text")
}

#[tokio::test]
async fn a_head_of_http_1_is_not_kept_beyond_its_limit() {
    // It has not ended: nobody could hold more of it in memory than this.
    let mut half = b"GET / HTTP/1.1\r\nhost: here\r\na: ".to_vec();
    half.resize(HEADER_LIST_BYTES, b'x');
    let reply = first_reply(&half).await;
    assert!(reply.starts_with("HTTP/1.1 431 ") && reply.contains("application/problem+json"), "{reply}");
}

#[tokio::test]
async fn hyper_has_the_limit_of_fields_that_a_head_has() {
    for (fields, status) in [(head::FIELDS, "204"), (head::FIELDS + 1, "431")] {
        let others = "a: b\r\n".repeat(fields - 1);
        let reply = first_reply(format!("GET / HTTP/1.1\r\nhost: here\r\n{others}\r\n").as_bytes()).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{fields} fields: {reply}");
    }
}

/// Fails unless somebody else gets the only permit of a server whose connections become old, within that time.
async fn gets_the_permit(address: SocketAddr, within: Duration) {
    let asks = async {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await.expect("it can be written");
        let mut reply = [0; 64];
        let read = stream.read(&mut reply).await.expect("it can be read");
        assert!(reply[..read].starts_with(b"HTTP/1.1 204"), "{:?}", String::from_utf8_lossy(&reply));
    };
    timeout(within, asks).await.expect("who does not read has lost its permit");
}

/// A server with one permit.
async fn with_one_permit() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let age = Some(Duration::from_millis(50));
    let grace = Duration::from_millis(200);
    let limits =
        ServeLimits { connections: 1, age, age_grace: grace, ..ServeLimits::from(&Limits::default()) };
    tokio::spawn(serve(listener, ingress(), limits, CancellationToken::new()));
    address
}

#[tokio::test]
async fn a_client_of_http_2_that_never_reads_loses_its_permit_when_it_is_old() {
    let address = with_one_permit().await;
    let stream = TcpStream::connect(address).await.expect("it listens");
    // It answers each ping, and takes not a byte of a body.
    let shake = h2::client::Builder::new().initial_window_size(0).handshake::<_, axum::body::Bytes>(stream);
    let (mut requests, wire) = shake.await.expect("HTTP/2");
    tokio::spawn(wire);
    let request = Request::get("http://here/openapi.json").body(()).expect("a request");
    let (reply, _) = requests.send_request(request, true).expect("it is sent");
    let reply = reply.await.expect("a head");
    assert_eq!(reply.status(), StatusCode::OK);
    gets_the_permit(address, Duration::from_secs(10)).await;
    drop(reply);
}

#[tokio::test(start_paused = true)]
async fn a_client_of_http_1_that_never_reads_loses_its_permit_when_it_is_old() {
    let address = with_one_permit().await;
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: here\r\n\r\n").await.expect("it can be written");
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).await.expect("it is answered");
    assert_eq!(&begun, b"HTTP/1.1 200");
    gets_the_permit(address, 10 * HEADER_WITHIN).await;
}

/// How a client over HTTP/1 that keeps its connection fares: it asks until it is told to go elsewhere. How many replies
/// it had; `replies` counts those of all.
async fn asks_over_http_1(address: SocketAddr, replies: Arc<AtomicUsize>) -> usize {
    let stream = TokioIo::new(TcpStream::connect(address).await.expect("it listens"));
    let (mut requests, wire) = hyper::client::conn::http1::handshake(stream).await.expect("HTTP/1");
    tokio::spawn(wire);
    for asked in 1.. {
        let request = Request::get("/").header("host", "here").body(Body::empty()).expect("a request");
        let reply = requests.send_request(request).await.expect("no request is lost");
        assert_eq!(reply.status(), StatusCode::NO_CONTENT);
        replies.fetch_add(1, Ordering::Relaxed);
        if reply.headers().get("connection").is_some_and(|close| close == "close") {
            return asked;
        }
        tokio::time::sleep(Duration::from_millis(asked as u64 % 3)).await;
    }
    unreachable!("it asks until it is told")
}

/// Whether it never left, or the peer said that it would not take it up (RFC 9113, 6.8): either way it is not lost.
fn was_not_taken_up(mut error: TrySendError<Request<Body>>) -> bool {
    let told = error.error().source().and_then(|source| source.downcast_ref::<h2::Error>());
    let is_goodbye =
        told.is_some_and(|told| told.is_go_away() && told.reason() == Some(h2::Reason::NO_ERROR));
    is_goodbye || error.take_message().is_some()
}

/// The same over HTTP/2, where GOAWAY says so.
async fn asks_over_http_2(address: SocketAddr, replies: Arc<AtomicUsize>) -> usize {
    let stream = TokioIo::new(TcpStream::connect(address).await.expect("it listens"));
    let shake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
    let (mut requests, wire) = shake.await.expect("HTTP/2");
    tokio::spawn(wire);
    for asked in 0.. {
        let request = Request::get("http://here/").body(Body::empty()).expect("a request");
        match requests.try_send_request(request).await {
            Ok(reply) => {
                assert_eq!(reply.status(), StatusCode::NO_CONTENT);
                replies.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                assert!(was_not_taken_up(error), "a request was lost");
                return asked;
            }
        }
        tokio::time::sleep(Duration::from_millis(asked as u64 % 3)).await;
    }
    unreachable!("it asks until it is told")
}

#[tokio::test]
async fn who_keeps_connections_loses_no_request_when_a_server_stops() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let stop = CancellationToken::new();
    let limits = ServeLimits { lame_duck: Duration::from_secs(2), ..ServeLimits::from(&Limits::default()) };
    let server = tokio::spawn(serve(listener, ingress(), limits, stop.clone()));
    let replies = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..20 {
        clients.spawn(asks_over_http_1(address, Arc::clone(&replies)));
        clients.spawn(asks_over_http_2(address, Arc::clone(&replies)));
    }
    // One that asks for nothing any more does not keep the server.
    let mut idle = TcpStream::connect(address).await.expect("it listens");
    idle.write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await.expect("it can be written");
    assert!(idle.read(&mut [0; 4096]).await.expect("it can be read") > 0);
    while replies.load(Ordering::Relaxed) < 500 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let told = Instant::now();
    stop.cancel();
    clients.join_all().await;
    assert!(told.elapsed() < limits.lame_duck, "all were told while it was a lame duck");
    // Who comes now is served, and told as well.
    assert_eq!(asks_over_http_1(address, replies).await, 1);
    assert!(!server.is_finished());
    server.await.expect("it ends");
    assert!(told.elapsed() >= limits.lame_duck);
    assert!(told.elapsed() < limits.lame_duck + limits.drain, "nobody is waited for who asks nothing");
    assert_eq!(idle.read(&mut [0; 16]).await.expect("in order"), 0);
}

#[tokio::test]
async fn an_old_connection_is_replaced_and_no_request_is_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let age = Duration::from_millis(50);
    let limits = ServeLimits { age: Some(age), ..ServeLimits::from(&Limits::default()) };
    tokio::spawn(serve(listener, ingress(), limits, CancellationToken::new()));
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..10 {
        clients.spawn(async move {
            for _ in 0..4 {
                asks_over_http_1(address, Arc::default()).await;
            }
        });
        clients.spawn(async move {
            for _ in 0..4 {
                asks_over_http_2(address, Arc::default()).await;
            }
        });
    }
    clients.join_all().await;
    assert!(began.elapsed() >= 4 * age.mul_f64(0.9), "none is told before its time");
}

#[tokio::test(start_paused = true)]
async fn connections_of_one_moment_do_not_end_in_one() {
    let age = Duration::from_secs(100);
    let mut ages = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        connection::max_age_elapsed(Some(age)).await;
        ages.push(began.elapsed());
    }
    ages.sort();
    assert!(
        ages[0] >= age.mul_f64(0.9) && ages[99] <= age.mul_f64(1.1) + Duration::from_millis(1),
        "{ages:?}"
    );
    assert!(ages[90] > ages[10] + age / 20, "{ages:?}");
}
