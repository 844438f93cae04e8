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
    server::{conn::auto, graceful::Watcher},
};
use tokio::{net::TcpStream, sync::Notify};

use crate::{Ingress, counted::Counted, socket::Socket, unread};

/// What the requests of a connection and the connection itself know of each other.
#[derive(Default)]
struct Shared {
    /// Notified with each request.
    asked: Notify,
    /// Whether the client may still be sending when the connection ends.
    lingers: Arc<AtomicBool>,
}

/// Serves a connection until it ends; `first` is how long its client may take to send its first request's header.
pub(crate) async fn serve(
    http: Arc<auto::Builder<TokioExecutor>>,
    (stream, peer): (TcpStream, SocketAddr),
    ingress: Ingress,
    watcher: Watcher,
    first: Duration,
) {
    let _ = stream.set_nodelay(true);
    let shared = Arc::new(Shared::default());
    let stream = Counted::new(stream, ingress.bytes());
    let io = TokioIo::new(Socket::new(stream, ingress.words(), Arc::clone(&shared.lingers)));
    let service = {
        let shared = Arc::clone(&shared);
        service_fn(move |request| {
            shared.asked.notify_one();
            answer(ingress.clone(), peer, request, Arc::clone(&shared))
        })
    };
    let mut connection = pin!(watcher.watch(http.serve_connection(io, service).into_owned()));
    // Hyper's own limit begins only when the version of HTTP is known. A connection that breaks is its client's affair.
    tokio::select! {
        _ = &mut connection => {}
        () = shared.asked.notified() => drop(connection.await),
        () = tokio::time::sleep(first) => {}
    }
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
    if !heard_out && version < Version::HTTP_2 {
        shared.lingers.store(true, Ordering::Relaxed);
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
