//! Serves what an ingress lets in, on a socket: HTTP/1.1 and HTTP/2, with limits, until told to stop.
//!
//! Not `axum::serve`: that has no limit on connections and none on the time that a header may take.

use std::{sync::Arc, time::Duration};

use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Ingress, Limits,
    connection::{self, Times},
    head,
};

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
    /// How old a connection becomes, give or take a tenth; any age if that is not said.
    pub age: Option<Duration>,
    /// How long a stopping server goes on as before, while its clients are told to go elsewhere.
    pub lame_duck: Duration,
    /// How long requests under way may take once it has closed.
    pub drain: Duration,
}

impl From<&Limits> for ServeLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            connections: limits.connections,
            first: HEADER_WITHIN,
            age: limits.connection_age(),
            lame_duck: limits.lame_duck(),
            drain: limits.drain(),
        }
    }
}

/// How far the end of a server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It has not begun.
    Serving,
    /// A lame duck: everything is answered, and every client is told that this connection ends.
    Leaving,
    /// No new connections, and those end on which nothing is under way.
    Closing,
}

/// Serves until `stop` is cancelled, as a lame duck for a while, and until requests under way are answered.
pub async fn serve(listener: TcpListener, ingress: Ingress, limits: ServeLimits, stop: CancellationToken) {
    let (phase, phases) = watch::channel(Phase::Serving);
    let connections = TaskTracker::new();
    tokio::select! {
        () = accept(listener, ingress, limits, &connections, &phases) => {}
        () = leave(&stop, &phase, limits.lame_duck) => {}
    }
    phase.send_replace(Phase::Closing);
    connections.close();
    if tokio::time::timeout(limits.drain, connections.wait()).await.is_err() {
        tracing::warn!("requests under way were cut off");
    }
}

/// Waits for the order to stop, and as long as a lame duck lives.
async fn leave(stop: &CancellationToken, phase: &watch::Sender<Phase>, lame_duck: Duration) {
    stop.cancelled().await;
    if !lame_duck.is_zero() {
        phase.send_replace(Phase::Leaving);
        tokio::time::sleep(lame_duck).await;
    }
}

/// Gives each connection a place and a task, for ever.
async fn accept(
    listener: TcpListener,
    ingress: Ingress,
    limits: ServeLimits,
    connections: &TaskTracker,
    phases: &watch::Receiver<Phase>,
) {
    let http = Arc::new(protocols());
    let places = Arc::new(Semaphore::new(limits.connections));
    let times = Times { first: limits.first, age: limits.age };
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let accepted = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or the client is gone already: the next one may do better.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let (http, ingress, phase) = (Arc::clone(&http), ingress.clone(), phases.clone());
        connections.spawn(async move {
            connection::serve(http, accepted, ingress, phase, times).await;
            drop(place);
        });
    }
}

/// HTTP/1.1 and HTTP/2, with their limits.
fn protocols() -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    // A reply is small: its head and body are put together more cheaply here than by the kernel.
    http.http1().writev(false).timer(TokioTimer::new()).header_read_timeout(HEADER_WITHIN);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_LIST_BYTES)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    http
}

#[cfg(test)]
mod tests;
