//! One connection of a server: what becomes of its requests, and how it ends.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    http::{HeaderValue, Version, header::CONNECTION},
    response::Response,
};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    net::TcpStream,
    sync::{Notify, watch},
};

use crate::{Ingress, counted::Counted, serve::Phase, socket::Socket, unread};

/// What the requests of a connection and the connection itself know of each other.
#[derive(Default)]
struct Shared {
    /// Notified with each request.
    asked: Notify,
    /// Whether it is HTTP/2, known with the first request.
    is_http_2: AtomicBool,
    /// Whether the next reply over HTTP/1 ends it.
    leaves: AtomicBool,
    /// Whether the client may still be sending when it ends.
    lingers: Arc<AtomicBool>,
}

/// The times of a connection.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    /// How long its client may take to send its first request's header.
    pub(crate) first: Duration,
    /// How old it becomes, give or take a tenth; any age if that is not said.
    pub(crate) age: Option<Duration>,
}

/// Serves a connection until it ends.
pub(crate) async fn serve(
    http: Arc<auto::Builder<TokioExecutor>>,
    (stream, peer): (TcpStream, SocketAddr),
    ingress: Ingress,
    mut phase: watch::Receiver<Phase>,
    times: Times,
) {
    let _ = stream.set_nodelay(true);
    let shared = Arc::new(Shared::default());
    let stream = Counted::new(stream, ingress.bytes());
    let io = TokioIo::new(Socket::new(stream, ingress.words(), Arc::clone(&shared.lingers)));
    let service = {
        let shared = Arc::clone(&shared);
        service_fn(move |request: Request<Incoming>| {
            shared.is_http_2.store(request.version() == Version::HTTP_2, Ordering::Relaxed);
            shared.asked.notify_one();
            answer(ingress.clone(), peer, request, Arc::clone(&shared))
        })
    };
    let mut connection = pin!(http.serve_connection(io, service).into_owned());
    // Hyper's own limit begins only when the version of HTTP is known. A connection that breaks is its client's affair.
    let mut first = pin!(tokio::time::sleep(times.first));
    let mut old = pin!(grows_old(times.age));
    loop {
        let leaves = shared.leaves.load(Ordering::Relaxed);
        tokio::select! {
            biased;
            () = reached(&mut phase, if leaves { Phase::Closing } else { Phase::Leaving }) => {
                if leaves { break }
                shared.leaves.store(true, Ordering::Relaxed);
            }
            () = shared.asked.notified() => break,
            _ = &mut connection => return,
            () = &mut first => return,
        }
    }
    tokio::select! {
        _ = &mut connection => return,
        () = reached(&mut phase, Phase::Leaving) => {}
        () = &mut old => {}
    }
    // HTTP/2 has a word for it, GOAWAY, which loses no request that is on its way. HTTP/1 has one only in a reply.
    if !shared.is_http_2.load(Ordering::Relaxed) {
        shared.leaves.store(true, Ordering::Relaxed);
        tokio::select! {
            _ = &mut connection => return,
            () = reached(&mut phase, Phase::Closing) => {}
        }
    }
    connection.as_mut().graceful_shutdown();
    drop(connection.await);
}

/// Waits until a connection is old: not all at the same moment that were made at one.
pub(crate) async fn grows_old(age: Option<Duration>) {
    match age {
        Some(age) => tokio::time::sleep(age.mul_f64(rand::random_range(0.9..1.1))).await,
        None => std::future::pending().await,
    }
}

/// Waits until the server's end has come that far.
async fn reached(phase: &mut watch::Receiver<Phase>, far: Phase) {
    // A server that is gone has come to its end.
    let _ = phase.wait_for(|phase| *phase >= far).await;
}

async fn answer(
    ingress: Ingress,
    peer: SocketAddr,
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response, Infallible> {
    let version = request.version();
    let (request, unread) = unread::lend(request);
    let mut response = ingress.answer(peer, request).await?;
    let heard_out = match unread {
        Some(unread) => unread.hear_out(response.status()).await,
        None => true,
    };
    // Over HTTP/2 a connection does not end with a request.
    if version < Version::HTTP_2 && (!heard_out || shared.leaves.load(Ordering::Relaxed)) {
        shared.lingers.store(!heard_out, Ordering::Relaxed);
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
