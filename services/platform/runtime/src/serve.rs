//! Serves what an ingress lets in, on a socket: HTTP/1.1 and HTTP/2, with limits, until told to stop.
//!
//! Not `axum::serve`: that has no limit on connections and none on the time that a header may take.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::body::Body;
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore},
};
use tokio_util::sync::CancellationToken;

use crate::{Ingress, Limits, counted::Counted};

/// How long a client may take to send a request's header, the first one's included.
const HEADER_WITHIN: Duration = Duration::from_secs(30);
/// HTTP/2 streams of one connection that are under way at once.
const STREAMS: u32 = 256;

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
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    let http = Arc::new(http);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = tokio_util::task::TaskTracker::new();
    while let Some(Ok(place)) = stop.run_until_cancelled(Arc::clone(&places).acquire_owned()).await {
        let Some(accepted) = stop.run_until_cancelled(listener.accept()).await else { break };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or the client is gone already: the next one may do better.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let io = TokioIo::new(Counted::new(stream, ingress.bytes()));
        let ingress = ingress.clone();
        let asked = Arc::new(Notify::new());
        let service = {
            let asked = Arc::clone(&asked);
            service_fn(move |request: Request<Incoming>| {
                asked.notify_one();
                ingress.clone().answer(peer, request.map(Body::new))
            })
        };
        let http = Arc::clone(&http);
        let watcher = graceful.watcher();
        connections.spawn(async move {
            let mut connection = pin!(watcher.watch(http.serve_connection(io, service).into_owned()));
            // Hyper's own limit begins only when the version of HTTP is known. A connection that breaks is its
            // client's affair.
            tokio::select! {
                _ = &mut connection => {}
                () = asked.notified() => drop(connection.await),
                () = tokio::time::sleep(limits.first) => {}
            }
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
    use axum::{Router, http::StatusCode, routing::get};
    use prometheus_client::registry::Registry;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
        time::timeout,
    };

    use super::*;
    use crate::{Sampling, ServerMetrics};

    const FIRST: Duration = Duration::from_millis(50);

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
        // The preface, empty settings, and `GET /` as its static table has it; then nothing, not even to a ping.
        let said = [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(),
            &[0, 0, 0, 4, 0, 0, 0, 0, 0],
            &[0, 0, 3, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x86],
        ];
        stream.write_all(&said.concat()).await.expect("it can be written");
        let asked = tokio::time::Instant::now();
        let mut heard = Vec::new();
        timeout(10 * PING_EVERY, stream.read_to_end(&mut heard))
            .await
            .expect("it is closed")
            .expect("in order");
        assert!(heard.len() > 50, "it was answered first: {heard:?}");
        assert!(asked.elapsed() >= PING_EVERY + PONG_WITHIN, "after {:?}", asked.elapsed());
    }
}
