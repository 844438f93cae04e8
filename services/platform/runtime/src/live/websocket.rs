//! A WebSocket from its handshake to its end. A system implements [`Session`].

use std::{future::Future, time::Duration};

use axum::response::{IntoResponse as _, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::{rt::TokioIo, server::conn::auto::upgrade::downcast};
use nix::sys::socket::{setsockopt, sockopt};
use remote::{Context, scope};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    Close, Closed, Limits, Live, Message, Sender, Upgrade,
    driver::{Driver, Stream},
    hub::Admitted,
    metrics::Kind,
};
use crate::{counted::Counted, socket::Socket};

/// The longest time until the response to a handshake is written.
const UPGRADE_WITHIN: Duration = Duration::from_secs(10);

/// The handler of one WebSocket.
///
/// Its methods run one at a time: the next message is read after the previous one has been handled, so messages stay in order,
/// and a client that sends faster than it is served is slowed down by TCP. Queued messages are written meanwhile. Each call
/// is an operation of its own, with a deadline ([`handling`](Limits::handling)) that remote calls inherit.
pub trait Session: Send + 'static {
    /// The connection is open. An error closes it.
    fn opened(&mut self) -> impl Future<Output = Result<(), Close>> + Send {
        async { Ok(()) }
    }

    /// A message has arrived. `Err` closes the connection; [`Close::NORMAL`] is an `Err`, too.
    fn received(&mut self, message: Message) -> impl Future<Output = Result<(), Close>> + Send;

    /// The connection has ended. Called once for every session, unless it panicked.
    fn closed(self, why: Closed) -> impl Future<Output = ()> + Send;
}

impl Live {
    /// Accepts a handshake and runs a session on the connection; `begin` receives the connection's sender.
    ///
    /// Responds 503 if the limit of connections is reached or the process is stopping.
    pub fn websocket<S: Session>(&self, upgrade: Upgrade, begin: impl FnOnce(Sender) -> S) -> Response {
        let admitted = match self.admit(Kind::WebSocket) {
            Ok(admitted) => admitted,
            Err(refused) => return refused.into_response(),
        };
        let session = begin(Sender(admitted.queue.clone()));
        let (response, on_upgrade) = upgrade.accept();
        self.spawn(run(on_upgrade, session, admitted));
        response
    }
}

async fn run<S: Session>(on_upgrade: OnUpgrade, mut session: S, admitted: Admitted) {
    let limits = *admitted.limits();
    let why = match stream(on_upgrade, &limits).await {
        None => {
            admitted.queue.end(Closed::Lost);
            Closed::Lost
        }
        Some((stream, begun)) => {
            let mut driver = Driver::new(stream, begun, &admitted).await;
            let why = converse(&mut driver, &mut session, &limits).await;
            // The first reason counts: the queue may have been ended for another one meanwhile.
            admitted.queue.end(why.clone());
            let why = admitted.queue.ended().unwrap_or(why);
            driver.close(&why).await;
            why
        }
    };
    let _ = in_time(&limits, session.closed(why)).await;
    drop(admitted);
}

/// Passes messages to the session until there is a reason to close.
async fn converse<S: Session>(driver: &mut Driver, session: &mut S, limits: &Limits) -> Closed {
    let mut done = driver.during(in_time(limits, session.opened())).await;
    loop {
        match done {
            Ok(Some(Ok(()))) => {}
            Ok(Some(Err(close))) => {
                driver.flush_queue().await;
                return Closed::ByServer(close);
            }
            Ok(None) => return Closed::Overdue,
            Err(closed) => return closed,
        }
        let message = match driver.receive().await {
            Ok(message) => message,
            Err(closed) => return closed,
        };
        done = driver.during(in_time(limits, session.received(message))).await;
    }
}

/// Runs `work` as an operation of its own; `None` if its deadline is exceeded.
async fn in_time<T>(limits: &Limits, work: impl Future<Output = T>) -> Option<T> {
    let context = Context { deadline: Instant::now() + limits.handling, ..Context::unattended() };
    timeout(limits.handling, scope(context, work)).await.ok()
}

/// The TCP stream of an upgraded connection, and the bytes behind the handshake that hyper has read already.
///
/// The HTTP wrapper comes off: [`Socket`] replaces hyper's bare error replies, and a message may contain the text of one.
async fn stream(on_upgrade: OnUpgrade, limits: &Limits) -> Option<(Stream, Vec<u8>)> {
    let upgraded: Upgraded = timeout(UPGRADE_WITHIN, on_upgrade).await.ok()?.ok()?;
    let parts = downcast::<TokioIo<Socket<Counted<TcpStream>>>>(upgraded).ok()?;
    let stream = parts.io.into_inner().into_inner();
    if let Some(bytes) = limits.kernel_buffer {
        // Best effort: the kernel's own limits may be lower.
        let _ = setsockopt(stream.get_ref(), sockopt::SndBuf, &bytes);
        let _ = setsockopt(stream.get_ref(), sockopt::RcvBuf, &bytes);
    }
    Some((stream, parts.read_buf.to_vec()))
}
