//! Serves the API on a socket: HTTP/1.1, with limits, until told to stop.
//!
//! Not `axum::serve`: that has no limit on connections, none on the time that a header may take, and cannot close a
//! connection without a reply.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::edge::Lost;

/// How long a header may take; from the reply before it, so it is the limit of idle connections as well.
const HEADER_WITHIN: Duration = Duration::from_secs(30);
/// The largest head, bytes.
const MAX_HEAD_BYTES: usize = 32 * 1_024;
/// The pause after an error of the system, such as too many open files.
const PAUSE: Duration = Duration::from_millis(10);

/// Serves until `stop` is cancelled; connections are tracked by `tasks`, and end after the requests that are in flight then.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    connections: usize,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(connections));
    let accept = async {
        while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let (router, stop) = (router.clone(), stop.clone());
                    tasks.spawn(async move {
                        carry(stream, router, stop).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    sleep(PAUSE).await;
                }
            }
        }
    };
    stop.run_until_cancelled(accept).await;
}

/// Serves one connection to its end.
async fn carry(stream: TcpStream, router: Router, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            let Ok(response) = router.oneshot(request).await;
            // An error closes the connection, and nothing of the response is sent.
            let is_lost = response.extensions().get::<Lost>().is_some();
            if is_lost { Err(io::Error::other("this reply is to be lost")) } else { Ok(response) }
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_WITHIN).max_buf_size(MAX_HEAD_BYTES);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
