//! Serves what an ingress lets in, on a socket: HTTP/1.1 and HTTP/2, with limits, until told to stop.
//!
//! Not `axum::serve`: that has no limit on connections and none on the time that a header may take.

use std::{sync::Arc, time::Duration};

use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{Ingress, Limits, connection, head};

/// How long a client may take to send a request's header, the first one's included.
const HEADER_WITHIN: Duration = Duration::from_secs(30);
/// HTTP/2 streams of one connection that are under way at once.
const STREAMS: u32 = 256;
/// The largest header list that HTTP/2 lets in, bytes: more than the limits of a head, so that what is over these is told
/// so in a document. What is over this as well gets a bare 431 or a reset from the library.
const HEADER_LIST_BYTES: u32 = 2 * (head::TARGET_BYTES + head::FIELDS_BYTES) as u32;

/// How often a client of HTTP/2 is asked whether it is there, and how long it may take to say so: one that vanished would
/// keep its place for ever.
const PING_EVERY: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// The limits of a server.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// Connections that are open at once; further ones wait in the kernel's backlog.
    pub connections: usize,
    /// How long a client may take to send its first request's header.
    pub first: Duration,
    /// How long requests under way may take once the server stops.
    pub drain: Duration,
}

impl From<&Limits> for ServeLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            connections: limits.connections,
            first: HEADER_WITHIN,
            drain: Duration::from_millis(limits.drain_ms),
        }
    }
}

/// Serves until `stop` is cancelled and requests under way are answered.
pub async fn serve(listener: TcpListener, ingress: Ingress, limits: ServeLimits, stop: CancellationToken) {
    let mut http = auto::Builder::new(TokioExecutor::new());
    // A reply is small: its head and body are put together more cheaply here than by the kernel.
    http.http1().writev(false).timer(TokioTimer::new()).header_read_timeout(HEADER_WITHIN);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_LIST_BYTES)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    let http = Arc::new(http);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = tokio_util::task::TaskTracker::new();
    while let Some(Ok(place)) = stop.run_until_cancelled(Arc::clone(&places).acquire_owned()).await {
        let Some(accepted) = stop.run_until_cancelled(listener.accept()).await else { break };
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or the client is gone already: the next one may do better.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let (http, ingress, watcher) = (Arc::clone(&http), ingress.clone(), graceful.watcher());
        connections.spawn(async move {
            connection::serve(http, accepted, ingress, watcher, limits.first).await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests under way were cut off");
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::Body,
        http::{Request, StatusCode},
        routing::get,
    };
    use hyper_util::rt::TokioIo;
    use prometheus_client::registry::Registry;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
        time::timeout,
    };

    use super::*;
    use crate::{Sampling, ServerMetrics};

    const FIRST: Duration = Duration::from_millis(50);

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
        let routes = Router::new().route("/", get(async || StatusCode::NO_CONTENT));
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
        let asked = tokio::time::Instant::now();
        let mut heard = Vec::new();
        timeout(10 * PING_EVERY, stream.read_to_end(&mut heard))
            .await
            .expect("it is closed")
            .expect("in order");
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
}
