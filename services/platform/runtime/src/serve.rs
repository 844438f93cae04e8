//! Serves what an ingress lets in, on a socket: HTTP/1.1 and HTTP/2, with limits, until told to stop.
//!
//! Not `axum::serve`: that has no limit on connections and none on the time that a header may take.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{Ingress, Limits, counted::Counted};

/// How long a client may take to send a request's header.
const HEADER_WITHIN: Duration = Duration::from_secs(30);
/// HTTP/2 streams of one connection that are under way at once.
const STREAMS: u32 = 256;

/// The limits of a server.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// Connections that are open at once; further ones wait in the kernel's backlog.
    pub connections: usize,
    /// How long requests under way may take once the server stops.
    pub drain: Duration,
}

impl From<&Limits> for ServeLimits {
    fn from(limits: &Limits) -> Self {
        Self { connections: limits.connections, drain: Duration::from_millis(limits.drain_ms) }
    }
}

/// Serves until `stop` is cancelled and requests under way are answered.
pub async fn serve(listener: TcpListener, ingress: Ingress, limits: ServeLimits, stop: CancellationToken) {
    let mut http = auto::Builder::new(TokioExecutor::new());
    // A reply is small: its head and body are put together more cheaply here than by the kernel.
    http.http1().writev(false).timer(TokioTimer::new()).header_read_timeout(HEADER_WITHIN);
    http.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS);
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
        let service = service_fn(move |request: Request<Incoming>| {
            ingress.clone().answer(peer, request.map(Body::new))
        });
        let http = Arc::clone(&http);
        let watcher = graceful.watcher();
        connections.spawn(async move {
            let connection = http.serve_connection(io, service);
            // A connection that breaks is its client's affair.
            let _ = watcher.watch(connection.into_owned()).await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests under way were cut off");
    }
}
