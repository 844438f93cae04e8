//! What an overloaded peer replies reaches the layers over either transport: a retry waits as long as the peer
//! asked, says that it is one, and a breaker opens.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

#[path = "support/method.rs"]
mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use contract::Why;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use prometheus_client::registry::Registry;
use remote::{Balancing, Client, Method, RpcMetrics, Transport};
use resilience::{Preset, breaker::State, settings::FAILURES_IN_A_ROW};
use support::{Away, REPLY, call, method, metrics_of, next_call};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};

static METHOD: Method = method(true);

const TRANSPORTS: [Transport; 2] = [Transport::Http, Transport::Grpc];
/// What the peer asks its callers to wait; a second is the least that HTTP can say.
const ASKED: Duration = Duration::from_secs(1);

/// A peer that is overloaded for so many calls.
#[derive(Default)]
struct Peer {
    overloaded_for: usize,
    taken: AtomicUsize,
    /// What each call said of earlier attempts.
    previous: Mutex<Vec<Option<String>>>,
}

impl Peer {
    /// Notes a call; whether it is refused.
    fn refuses(&self, previous: Option<String>) -> bool {
        self.previous.lock().unwrap().push(previous);
        self.taken.fetch_add(1, Ordering::Relaxed) < self.overloaded_for
    }

    async fn serve(self: Arc<Self>, transport: Transport, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let this = Arc::clone(&self);
            tokio::spawn(async move {
                match transport {
                    Transport::Http => this.serve_http(stream).await,
                    Transport::Grpc => this.serve_grpc(stream).await,
                }
            });
        }
    }

    async fn serve_http(&self, mut stream: TcpStream) {
        while let Some(text) = next_call(&mut stream).await {
            let previous = text.lines().find_map(|line| line.strip_prefix("x-previous-attempts: "));
            let reply: &[u8] = if self.refuses(previous.map(str::to_owned)) {
                b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
                  content-type: application/problem+json\r\ncontent-length: 2\r\n\r\n{}"
            } else {
                REPLY
            };
            stream.write_all(reply).await.unwrap();
        }
    }

    async fn serve_grpc(&self, stream: TcpStream) {
        let mut wire = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = wire.accept().await {
            let previous = request.headers().get("grpc-previous-rpc-attempts");
            let previous = previous.map(|value| value.to_str().unwrap().to_owned());
            let head = Response::builder().header("content-type", "application/grpc");
            if self.refuses(previous) {
                let head = head.header("grpc-status", "8").header("grpc-retry-pushback-ms", "1000");
                respond.send_response(head.body(()).unwrap(), true).unwrap();
                continue;
            }
            let mut body = respond.send_response(head.body(()).unwrap(), false).unwrap();
            body.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
            let status = HeaderName::from_static("grpc-status");
            body.send_trailers(HeaderMap::from_iter([(status, HeaderValue::from_static("0"))])).unwrap();
        }
    }
}

/// A peer that is overloaded for so many calls, and a client of it.
async fn peer(
    transport: Transport,
    preset: Preset,
    overloaded_for: usize,
) -> (Arc<Peer>, Client, RpcMetrics, Registry) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let peer = Arc::new(Peer { overloaded_for, ..Peer::default() });
    tokio::spawn(Arc::clone(&peer).serve(transport, listener));
    let mut registry = Registry::default();
    let metrics = RpcMetrics::register(&mut registry);
    let attempt = Duration::from_secs(20);
    let hop = metrics.peer("probe");
    let client = Client::new(transport, &[address], Balancing::RoundRobin, preset, attempt, hop).unwrap();
    (peer, client, metrics, registry)
}

#[tokio::test]
async fn a_retry_waits_as_long_as_it_was_asked_to_and_says_that_it_is_one() {
    for transport in TRANSPORTS {
        let (peer, client, _, registry) = peer(transport, Preset::BudgetedRetry, 1).await;
        let began = Instant::now();
        assert_eq!(call(&client, transport, &METHOD).await, Ok(()), "{transport:?}");
        assert!(began.elapsed() >= ASKED, "{transport:?}: {:?}", began.elapsed());
        assert_eq!(*peer.previous.lock().unwrap(), [None, Some("1".to_owned())], "{transport:?}");
        let text = metrics_of(&registry);
        let line = "peer_retries_total{peer=\"probe\",reason=\"overloaded\"} 1";
        assert!(text.lines().any(|one| one == line), "{transport:?}: {text}");
    }
}

#[tokio::test]
async fn a_breaker_opens_for_an_overloaded_peer_and_says_so() {
    for transport in TRANSPORTS {
        let (peer, client, metrics, registry) = peer(transport, Preset::Breaker, usize::MAX).await;
        let mut reasons = Vec::new();
        for _ in 0..20 {
            let Away(unavailable) = call(&client, transport, &METHOD).await.unwrap_err();
            reasons.push(unavailable.why);
        }
        let failures = FAILURES_IN_A_ROW as usize;
        let expected = [vec![Why::Overloaded; failures], vec![Why::Rejected; 20 - failures]].concat();
        assert_eq!(reasons, expected, "{transport:?}");
        assert_eq!(peer.taken.load(Ordering::Relaxed), failures, "{transport:?}");
        let [callee] = metrics.callees().snapshot().try_into().unwrap();
        let breaker = callee.breaker.unwrap();
        assert_eq!((breaker.state, breaker.rejected), (State::Open, 20 - failures as u64), "{transport:?}");
        let text = metrics_of(&registry);
        for line in [
            "breaker_state{peer=\"probe\"} 2",
            "breaker_transitions_total{peer=\"probe\",to=\"open\"} 1",
            "peer_rejected_total{peer=\"probe\",by=\"breaker\"} 15",
        ] {
            assert!(text.lines().any(|one| one == line), "{transport:?}: no {line} in\n{text}");
        }
    }
}
