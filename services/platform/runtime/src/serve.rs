//! Serves what an ingress lets in, on a socket: HTTP/1.1 and HTTP/2, with limits, until told to stop.
//!
//! Not `axum::serve`: that has no limit on connections and none on the time that a header may take.

use std::{sync::Arc, time::Duration};

use design::Limits;
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
    Ingress,
    connection::{self, HEADER_WITHIN, Phase, Shared, Times},
    head,
    live::Live,
};

/// HTTP/2 streams of one connection that are under way at once.
const STREAMS: u32 = 256;
/// The largest head that hyper reads, bytes, in either version of HTTP: more than the limits of a head, so that what is over
/// these is told so in a document. What is over this as well gets a 431 from hyper, a bare one or a reset over HTTP/2.
///
/// Over HTTP/1 it bounds hyper's buffer of a connection, which holds a head while it is incomplete.
pub(crate) const HEADER_LIST_BYTES: usize = 2 * (head::TARGET_BYTES + head::FIELDS_BYTES);

/// How often a client of HTTP/2 is asked whether it is there, and how long it may take to say so: one that vanished would
/// keep its place for ever.
const PING_EVERY: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// The limits of a server's connections, made from the [`Limits`] of the process configuration. (Those of long-lived connections are
/// [`live::Limits`](crate::live::Limits), and a head's are constants of `head`.)
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// Connections that are open at once; further ones wait in the kernel's backlog.
    pub connections: usize,
    /// How long a client may take to send its first request's header.
    pub first: Duration,
    /// How old a connection becomes, give or take a tenth; any age if that is not said.
    pub age: Option<Duration>,
    /// How long the requests of a connection that is old, or is told to close, may take until their replies are read
    /// (gRPC's `MAX_CONNECTION_AGE_GRACE`).
    pub age_grace: Duration,
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
            // A server that does not wait when it stops cuts nobody off because of age.
            age_grace: limits.drain().max(limits.request_timeout()),
            lame_duck: limits.lame_duck(),
            drain: limits.drain(),
        }
    }
}

/// Serves until `stop` is cancelled, and then shuts down gracefully: as a lame duck for a while, and until requests in flight
/// are answered.
///
/// Long-lived connections are closed during the lame-duck period, and at its end at the latest.
pub async fn serve(listener: TcpListener, ingress: Ingress, limits: ServeLimits, stop: CancellationToken) {
    let (phase, phases) = watch::channel(Phase::Serving);
    let connections = TaskTracker::new();
    let live = ingress.live();
    // The end of the lame-duck period drops `accept`, and with it the listener: from then on connections are refused.
    tokio::select! {
        () = accept(listener, ingress, limits, &connections, &phases) => {}
        () = lame_duck(&stop, &phase, limits.lame_duck, live.as_ref()) => {}
    }
    phase.send_replace(Phase::Draining);
    connections.close();
    let ended = async {
        if let Some(live) = live {
            live.end(Duration::ZERO).await;
            live.ended().await;
        }
        connections.wait().await;
    };
    if tokio::time::timeout(limits.drain, ended).await.is_err() {
        tracing::warn!("requests under way were cut off");
    }
}

/// Waits for the order to stop, and then until the lame-duck period ends.
async fn lame_duck(
    stop: &CancellationToken,
    phase: &watch::Sender<Phase>,
    period: Duration,
    live: Option<&Live>,
) {
    stop.cancelled().await;
    if period.is_zero() {
        return;
    }
    phase.send_replace(Phase::LameDuck);
    let told = async {
        if let Some(live) = live {
            live.end(period).await;
        }
        std::future::pending::<()>().await;
    };
    let _ = tokio::time::timeout(period, told).await;
}

/// Gives each connection a permit and a task, for ever.
async fn accept(
    listener: TcpListener,
    ingress: Ingress,
    limits: ServeLimits,
    connections: &TaskTracker,
    phases: &watch::Receiver<Phase>,
) {
    let http = Arc::new(protocols());
    let permits = Arc::new(Semaphore::new(limits.connections));
    let times = Times { first: limits.first, age: limits.age, grace: limits.age_grace };
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
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
            let shared = Arc::new(Shared::holding(permit));
            connection::serve(http, accepted, Arc::clone(&shared), ingress, phase, times).await;
            shared.release();
        });
    }
}

/// HTTP/1.1 and HTTP/2, with their limits.
fn protocols() -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    // A reply is small: its head and body are put together more cheaply here than by the kernel. Not here: `max_headers`.
    // Hyper's own limit of fields is `head::FIELDS`, which a test holds; saying it has every head parsed on the heap.
    http.http1()
        .writev(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(HEADER_LIST_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_LIST_BYTES as u32)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    http
}

#[cfg(test)]
mod tests;
