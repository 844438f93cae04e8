//! One connection of a server: what becomes of its requests, and how it ends.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    http::{HeaderValue, StatusCode, Version, header::CONNECTION},
    response::Response,
};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    net::TcpStream,
    sync::{Notify, OwnedSemaphorePermit, watch},
};

use crate::{
    Ingress,
    counted::Counted,
    live::{EventStreamAttachment, EventStreamCarrier},
    socket::Socket,
    unread,
};

/// How long a client may take to send a request's header, the first one's included. Over HTTP/1 hyper counts from the end
/// of the reply before it, so it is the idle time-out as well.
pub(crate) const HEADER_WITHIN: Duration = Duration::from_secs(30);

/// What the requests of a connection and the connection itself know of each other.
#[derive(Default)]
pub(crate) struct Shared {
    /// Its connection permit, until that is returned.
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    /// Notified with each request.
    request_received: Notify,
    /// Whether it is HTTP/2, known with the first request.
    is_http_2: AtomicBool,
    /// Whether the next reply over HTTP/1 says `Connection: close`.
    close_after_reply: AtomicBool,
    /// Whether the client may still be sending when it ends.
    drain_input_on_close: Arc<AtomicBool>,
    /// The number of event streams on it, and a notification when one has ended.
    event_streams: AtomicUsize,
    event_stream_ended: Notify,
    /// Notified when it is to be aborted. Awaited while it serves; once it is told to close, the drain and the grace bound it.
    abort: Notify,
}

impl Shared {
    /// A connection with a permit.
    pub(crate) fn holding(permit: OwnedSemaphorePermit) -> Self {
        Self { permit: Mutex::new(Some(permit)), ..Self::default() }
    }

    /// Returns the permit.
    pub(crate) fn release(&self) {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Waits until it has its maximum age and carries no event stream, which has limits of its own.
    async fn aged(&self, max_age: Pin<&mut impl Future<Output = ()>>) {
        max_age.await;
        loop {
            let ended = self.event_stream_ended.notified();
            if self.event_streams.load(Ordering::Acquire) == 0 {
                return;
            }
            ended.await;
        }
    }
}

/// Held by an event stream: its connection has no maximum age meanwhile.
struct EventStreamGuard(Arc<Shared>);

impl EventStreamGuard {
    fn new(shared: Arc<Shared>) -> Self {
        shared.event_streams.fetch_add(1, Ordering::AcqRel);
        Self(shared)
    }
}

impl EventStreamCarrier for EventStreamGuard {
    fn abort(&self) {
        self.0.abort.notify_one();
    }
}

impl Drop for EventStreamGuard {
    fn drop(&mut self) {
        self.0.event_streams.fetch_sub(1, Ordering::AcqRel);
        self.0.event_stream_ended.notify_waiters();
    }
}

/// The times of a connection.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    /// How long its client may take to send its first request's header.
    pub(crate) first: Duration,
    /// How old it becomes, give or take a tenth; any age if that is not said.
    pub(crate) age: Option<Duration>,
    /// How long the end may take once it is old, or told to close.
    pub(crate) grace: Duration,
}

/// How far the graceful shutdown of a server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It has not begun.
    Serving,
    /// A lame duck: everything is answered, and every client is told that this connection ends.
    LameDuck,
    /// No new connections, and those end on which nothing is in flight.
    Draining,
}

/// Serves a connection until it ends.
///
/// First it waits for a request, for `first` at most; if the server becomes a lame duck meanwhile, that request's reply
/// says `Connection: close`. Then it serves requests until the connection ends, the server becomes a lame duck, or the
/// maximum age has elapsed. Then the client is notified: by GOAWAY over HTTP/2, and over HTTP/1 by the next reply. For that reply it
/// waits longer than any idle connection lives. Last, hyper shuts it down gracefully, and what is not answered and read
/// within a grace is cut off: a client that does not read cannot keep its permit.
///
/// An upgraded connection ends here: hyper hands the socket over to the handler's task.
pub(crate) async fn serve(
    http: Arc<auto::Builder<TokioExecutor>>,
    (stream, peer): (TcpStream, SocketAddr),
    shared: Arc<Shared>,
    ingress: Ingress,
    mut phase: watch::Receiver<Phase>,
    times: Times,
) {
    let _ = stream.set_nodelay(true);
    let stream = Counted::new(stream, ingress.bytes());
    let io =
        TokioIo::new(Socket::new(stream, ingress.problem_reply(), Arc::clone(&shared.drain_input_on_close)));
    let service = {
        let shared = Arc::clone(&shared);
        service_fn(move |request: Request<Incoming>| {
            shared.is_http_2.store(request.version() == Version::HTTP_2, Ordering::Relaxed);
            shared.request_received.notify_one();
            answer(ingress.clone(), peer, request, Arc::clone(&shared))
        })
    };
    let mut connection = pin!(http.serve_connection_with_upgrades(io, service).into_owned());
    // Hyper's own limit begins only when the version of HTTP is known. A connection that breaks is its client's affair.
    let mut first_request_timeout = pin!(tokio::time::sleep(times.first));
    let max_age = pin!(max_age_elapsed(times.age));
    loop {
        let tells_close = shared.close_after_reply.load(Ordering::Relaxed);
        tokio::select! {
            biased;
            () = reached(&mut phase, if tells_close { Phase::Draining } else { Phase::LameDuck }) => {
                if tells_close { break }
                shared.close_after_reply.store(true, Ordering::Relaxed);
            }
            () = shared.request_received.notified() => break,
            _ = &mut connection => return,
            () = &mut first_request_timeout => return,
        }
    }
    tokio::select! {
        _ = &mut connection => return,
        () = shared.abort.notified() => return,
        () = reached(&mut phase, Phase::LameDuck) => {}
        () = shared.aged(max_age) => {}
    }
    // HTTP/2 has a word for it, GOAWAY, which loses no request that is on its way. HTTP/1 has one only in a reply.
    if !shared.is_http_2.load(Ordering::Relaxed) {
        shared.close_after_reply.store(true, Ordering::Relaxed);
        tokio::select! {
            _ = &mut connection => return,
            () = reached(&mut phase, Phase::Draining) => {}
            // Longer than any idle connection lives: by then the client has read the reply that closes, or it does not read
            // at all.
            () = tokio::time::sleep(HEADER_WITHIN + times.grace) => {}
        }
    }
    connection.as_mut().graceful_shutdown();
    if tokio::time::timeout(times.grace, connection).await.is_err() {
        tracing::debug!(%peer, "a connection was cut off: its client did not read in time");
    }
}

/// Waits until a connection has its maximum age, jittered by a tenth, so that connections made together do not end
/// together.
pub(crate) async fn max_age_elapsed(age: Option<Duration>) {
    match age {
        Some(age) => tokio::time::sleep(age.mul_f64(rand::random_range(0.9..1.1))).await,
        None => std::future::pending().await,
    }
}

/// Waits for this phase of the server's end. A dropped sender counts as the last phase.
async fn reached(phase: &mut watch::Receiver<Phase>, far: Phase) {
    let _ = phase.wait_for(|phase| *phase >= far).await;
}

async fn answer(
    mut ingress: Ingress,
    peer: SocketAddr,
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response, Infallible> {
    let version = request.version();
    let (request, unread) = unread::lend(request);
    let mut response = ingress.answer(peer, request).await?;
    let is_reusable = match unread {
        Some(unread) => unread.drain_body(response.status()).await,
        None => true,
    };
    let event_stream = response.extensions_mut().remove::<EventStreamAttachment>();
    // Over HTTP/2 a connection does not end with a request; an upgraded one has left HTTP.
    if version < Version::HTTP_2 && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        if event_stream.is_some() {
            // The stream counts against the limits of `live`, and the connection ends with it.
            shared.release();
        }
        if !is_reusable || event_stream.is_some() || shared.close_after_reply.load(Ordering::Relaxed) {
            shared.drain_input_on_close.store(!is_reusable, Ordering::Relaxed);
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
    if let Some(event_stream) = event_stream {
        event_stream.attach(EventStreamGuard::new(shared));
    }
    Ok(response)
}
