//! A call that was lost with its connection is sent again if that is safe.
//!
//! The test's peer answers the first call, reads the second and closes the connection, like a server that
//! closes an idle connection while a request is in flight. It answers every call on later connections.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

#[path = "support/method.rs"]
mod support;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use contract::{Unavailable, Why};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use prometheus_client::registry::Registry;
use remote::{Balancing, Client, Method, RpcMetrics, Transport};
use resilience::Preset;
use support::{Away, REPLY, call, method, metrics_of, next_call};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

static IDEMPOTENT: Method = method(true);
static ONCE_ONLY: Method = method(false);

/// Calls that the peer answers on its first connection before it closes it on the next call.
const ANSWERED: usize = 1;

/// Serves calls on a connection until it closes, and counts them.
async fn serve(transport: Transport, stream: TcpStream, closes: bool, taken: &AtomicUsize) {
    match transport {
        Transport::Http => serve_http(stream, closes, taken).await,
        Transport::Grpc => serve_grpc(stream, closes, taken).await,
    }
}

async fn serve_http(mut stream: TcpStream, closes: bool, taken: &AtomicUsize) {
    while next_call(&mut stream).await.is_some() {
        if taken.fetch_add(1, Ordering::Relaxed) == ANSWERED && closes {
            return;
        }
        stream.write_all(REPLY).await.unwrap();
    }
}

async fn serve_grpc(stream: TcpStream, closes: bool, taken: &AtomicUsize) {
    let mut wire = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((_, mut respond))) = wire.accept().await {
        if taken.fetch_add(1, Ordering::Relaxed) == ANSWERED && closes {
            return;
        }
        let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
        let mut body = respond.send_response(head, false).unwrap();
        // A gRPC frame with an empty message.
        body.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
        body.send_trailers(HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from_static("0"))])).unwrap();
    }
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// A client of the replicas at these addresses, and its metrics.
fn client(transport: Transport, peers: &[String]) -> (Client, Registry) {
    let mut registry = Registry::default();
    let metrics = RpcMetrics::register(&mut registry).peer("probe");
    let (balancing, preset, attempt) = (Balancing::RoundRobin, Preset::Timeout, Duration::from_secs(20));
    (Client::new(transport, peers, balancing, preset, attempt, metrics).unwrap(), registry)
}

/// The number of retries for this reason.
fn retries(registry: &Registry, reason: &str) -> String {
    let text = metrics_of(registry);
    let start = format!("peer_retries_total{{peer=\"probe\",reason=\"{reason}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&start)).unwrap().to_owned()
}

/// Makes two calls in sequence: their results, the number of calls that the peer read, and the number of
/// retries.
async fn two_calls(transport: Transport, method: &'static Method) -> ([Result<(), Away>; 2], usize, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, registry) = client(transport, &[listener.local_addr().unwrap().to_string()]);
    let taken = AtomicUsize::new(0);
    let peer = async {
        for closes in [true, false] {
            let (stream, _) = listener.accept().await.unwrap();
            serve(transport, stream, closes, &taken).await;
        }
    };
    let ask = || call(&client, transport, method);
    let answers = tokio::select! {
        () = peer => unreachable!("it serves until nobody asks"),
        answers = async { [ask().await, ask().await] } => answers,
    };
    (answers, taken.into_inner(), retries(&registry, "lost"))
}

#[tokio::test]
async fn an_idempotent_call_that_a_reused_connection_lost_is_sent_once_more() {
    for transport in [Transport::Http, Transport::Grpc] {
        let (answers, taken, lost) = two_calls(transport, &IDEMPOTENT).await;
        assert_eq!(answers, [Ok(()), Ok(())], "{transport:?}");
        assert_eq!(taken, 3, "{transport:?}: one, one that was lost, and that again");
        assert_eq!(lost, "1", "{transport:?}");
    }
}

#[tokio::test]
async fn a_call_that_may_not_be_repeated_is_sent_once() {
    for transport in [Transport::Http, Transport::Grpc] {
        let (answers, taken, retried) = two_calls(transport, &ONCE_ONLY).await;
        let lost = Err(Away(Unavailable::new("probe", Why::Unreachable)));
        assert_eq!(answers, [Ok(()), lost], "{transport:?}");
        assert_eq!(taken, 2, "{transport:?}");
        assert_eq!(retried, "0", "{transport:?}");
    }
}

#[tokio::test]
async fn a_call_that_found_nobody_goes_to_another_replica_whatever_it_asks_for() {
    for transport in [Transport::Http, Transport::Grpc] {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, registry) = client(transport, &[nobody, listener.local_addr().unwrap().to_string()]);
        let taken = AtomicUsize::new(0);
        let peer = async {
            let (stream, _) = listener.accept().await.unwrap();
            serve(transport, stream, false, &taken).await;
        };
        let answer = tokio::select! {
            () = peer => unreachable!("it serves until nobody asks"),
            answer = call(&client, transport, &ONCE_ONLY) => answer,
        };
        assert_eq!((answer, taken.into_inner()), (Ok(()), 1), "{transport:?}");
        assert_eq!(retries(&registry, "not-processed"), "1", "{transport:?}");
    }
}

/// An empty SETTINGS of HTTP/2, its acknowledgement, and a GOAWAY without error that names no stream (RFC 9113, 6.5, 6.8).
const SETTINGS: [u8; 18] = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0];
const GOAWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const PREFACE_BYTES: usize = 24;
const HEADERS: u8 = 1;

/// Reads up to the headers of a request, then ends the connection with a GOAWAY that excludes that request.
async fn go_away(mut stream: TcpStream) {
    stream.write_all(&SETTINGS).await.unwrap();
    stream.read_exact(&mut [0; PREFACE_BYTES]).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        stream.read_exact(&mut vec![0; length]).await.unwrap();
        if head[3] == HEADERS {
            return stream.write_all(&GOAWAY).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_call_that_the_peer_did_not_look_at_is_sent_again_whatever_it_asks_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, registry) = client(Transport::Grpc, &[listener.local_addr().unwrap().to_string()]);
    let taken = AtomicUsize::new(0);
    let peer = async {
        go_away(listener.accept().await.unwrap().0).await;
        serve(Transport::Grpc, listener.accept().await.unwrap().0, false, &taken).await;
    };
    let answer = tokio::select! {
        () = peer => unreachable!("it serves until nobody asks"),
        answer = call(&client, Transport::Grpc, &ONCE_ONLY) => answer,
    };
    assert_eq!((answer, taken.into_inner()), (Ok(()), 1));
    assert_eq!(retries(&registry, "not-processed"), "1");
}
