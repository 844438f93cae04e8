//! A call that a reused connection lost before the head of its reply was complete is sent once more, if that does no harm.
//!
//! A peer answers the first call, takes the second and closes the connection, as one does that closes an idle
//! connection while a request is on its way. Whoever connects anew is answered.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use contract::{Kind, RemoteError, Unavailable, Why};
use http::{HeaderMap, HeaderName, HeaderValue, Response, uri::PathAndQuery};
use prometheus_client::{encoding::text::encode, registry::Registry};
use remote::{Balancing, Client, Method, RpcMetrics, Transport};
use resilience::Policy;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tonic_prost::ProstCodec;

static REPEATABLE: Method = method(true);
static ONCE_ONLY: Method = method(false);

const fn method(repeatable: bool) -> Method {
    Method {
        service: "probe",
        name: "ask",
        http_path: "/probe/ask",
        grpc_service: "lab.probe.v1.ProbeService",
        grpc_path: "/lab.probe.v1.ProbeService/Ask",
        repeatable,
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error(transparent)]
struct Away(#[from] Unavailable);

impl RemoteError for Away {
    fn kind(&self) -> Kind {
        Kind::Unavailable
    }
}

/// Nothing, as a message.
#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Empty {}

impl From<()> for Empty {
    fn from((): ()) -> Self {
        Self {}
    }
}

impl From<Empty> for () {
    fn from(_: Empty) -> Self {}
}

/// How many calls of a connection a peer answers before it closes on the next one.
const ANSWERED: usize = 1;

/// Takes calls on a connection until it closes, and counts them.
async fn serve(transport: Transport, stream: TcpStream, closes: bool, taken: &AtomicUsize) {
    match transport {
        Transport::Http => serve_http(stream, closes, taken).await,
        Transport::Grpc => serve_grpc(stream, closes, taken).await,
    }
}

async fn serve_http(mut stream: TcpStream, closes: bool, taken: &AtomicUsize) {
    loop {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\nnull") {
            if stream.read_buf(&mut text).await.unwrap() == 0 {
                return;
            }
        }
        if taken.fetch_add(1, Ordering::Relaxed) == ANSWERED && closes {
            return;
        }
        let reply = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\nnull";
        stream.write_all(reply).await.unwrap();
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
        // A message of no bytes.
        body.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
        body.send_trailers(HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from_static("0"))])).unwrap();
    }
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// What became of two calls, one after the other; how many the peer took; and what the metrics say.
async fn two_calls(transport: Transport, method: &'static Method) -> ([Result<(), Away>; 2], usize, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peers = [listener.local_addr().unwrap().to_string()];
    let mut registry = Registry::default();
    let metrics = RpcMetrics::register(&mut registry).peer("probe");
    let attempt = Duration::from_secs(20);
    let client =
        Client::new(transport, &peers, Balancing::RoundRobin, Policy::Timeout, attempt, metrics).unwrap();
    let taken = AtomicUsize::new(0);
    let peer = async {
        for closes in [true, false] {
            let (stream, _) = listener.accept().await.unwrap();
            serve(transport, stream, closes, &taken).await;
        }
    };
    let call = async || match transport {
        Transport::Http => client.call_json::<(), (), Away>(method, ()).await,
        Transport::Grpc => {
            // As a generated client does it.
            let send = |request: tonic::Request<Empty>| {
                let mut grpc = tonic::client::Grpc::new(client.hop());
                let path = PathAndQuery::from_static(method.grpc_path);
                async move { grpc.unary(request, path, ProstCodec::<Empty, Empty>::default()).await }
            };
            client.call_grpc::<_, _, (), (), Away, _>(method, (), send).await
        }
    };
    let answers = tokio::select! {
        () = peer => unreachable!("it serves until nobody asks"),
        answers = async { [call().await, call().await] } => answers,
    };
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    (answers, taken.into_inner(), text)
}

#[tokio::test]
async fn a_repeatable_call_that_a_reused_connection_lost_is_sent_once_more() {
    for transport in [Transport::Http, Transport::Grpc] {
        let (answers, taken, metrics) = two_calls(transport, &REPEATABLE).await;
        assert_eq!(answers, [Ok(()), Ok(())], "{transport:?}");
        assert_eq!(taken, 3, "{transport:?}: one, one that was lost, and that again");
        assert!(
            metrics.contains("peer_retries_total{peer=\"probe\",reason=\"lost\"} 1\n"),
            "{transport:?}: {metrics}"
        );
    }
}

#[tokio::test]
async fn a_call_that_may_not_be_repeated_is_sent_once() {
    for transport in [Transport::Http, Transport::Grpc] {
        let (answers, taken, metrics) = two_calls(transport, &ONCE_ONLY).await;
        let lost = Err(Away(Unavailable::new("probe", Why::Unreachable)));
        assert_eq!(answers, [Ok(()), lost], "{transport:?}");
        assert_eq!(taken, 2, "{transport:?}");
        assert!(
            metrics.contains("peer_retries_total{peer=\"probe\",reason=\"lost\"} 0\n"),
            "{transport:?}: {metrics}"
        );
    }
}
