//! New connections of a link: accepted up to a limit, and refused while the link or its upstream refuses them.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Semaphore, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    connection::carry,
    fault_set::Admission,
    link::{Link, at},
};

/// Connections that wait in the kernel until they are accepted.
const BACKLOG: u32 = 1024;
/// How often an upstream that refuses is tried again: a caller sees it at most so much later than without the proxy.
const TRY_EVERY: Duration = Duration::from_millis(10);
/// The pause after an error of the system, such as too many open files.
const PAUSE: Duration = Duration::from_millis(10);

/// A port of this proxy, whether it listens there or not.
///
/// A socket that is bound and does not listen reserves it, so that a link that refuses connections for a while finds its
/// port free again. The listening one shares the port with it (`SO_REUSEPORT`), and the kernel gives connections to
/// sockets that listen only. Without `SO_REUSEADDR`: with it another program could take a port that nobody listens on.
#[derive(Debug)]
pub(crate) struct ReservedPort {
    address: SocketAddr,
    _reserved: TcpSocket,
}

impl ReservedPort {
    /// Reserves a port; a free one for port 0.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let reserved = socket(address)?;
        Ok(Self { address: reserved.local_addr()?, _reserved: reserved })
    }

    /// Its address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens there; dropping the listener makes the port refuse connections.
    pub(crate) fn listen(&self) -> io::Result<TcpListener> {
        socket(self.address)?.listen(BACKLOG)
    }
}

fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves a link for ever.
pub(crate) async fn serve(
    link: Arc<Link>,
    port: ReservedPort,
    first: TcpListener,
    connections: TaskTracker,
    stop: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(link.limits.connections));
    let mut listener = Some(first);
    loop {
        let Some(open) = listener.take() else {
            match port.listen() {
                Ok(open) => listener = Some(open),
                Err(error) => {
                    tracing::warn!(%error, link = link.name, "a link cannot listen");
                    sleep(PAUSE).await;
                }
            }
            continue;
        };
        tokio::select! {
            () = until(&link, true) => {}
            () = accept(&link, open, &permits, &connections, &stop) => {}
        }
        tokio::select! {
            () = until(&link, false) => {}
            () = try_upstream(&link) => {}
        }
    }
}

/// Gives each connection a permit and a task, for ever.
async fn accept(
    link: &Arc<Link>,
    listener: TcpListener,
    permits: &Arc<Semaphore>,
    connections: &TaskTracker,
    stop: &CancellationToken,
) {
    while let Ok(permit) = Arc::clone(permits).acquire_owned().await {
        let client = match listener.accept().await {
            Ok((client, _)) => client,
            Err(error) => {
                // Out of file descriptors, or the client is gone already: the next one may do better.
                tracing::warn!(%error, link = link.name, "a connection was not accepted");
                sleep(PAUSE).await;
                continue;
            }
        };
        let (link, stop) = (Arc::clone(link), stop.clone());
        connections.spawn(async move {
            stop.run_until_cancelled(carry(link, client)).await;
            drop(permit);
        });
    }
}

/// Waits until the link refuses new connections, or no longer does.
async fn until(link: &Link, refuses: bool) {
    let (mut faults, mut refusals) = (link.faults(), link.refusals());
    loop {
        let (admission, change) = faults.borrow_and_update().admission(Instant::now());
        let is_refused = match admission {
            Admission::Refuse => true,
            // Behind a cut nobody learns that the upstream refuses.
            Admission::Hold => false,
            Admission::Serve | Admission::Reset => *refusals.borrow_and_update(),
        };
        if is_refused == refuses {
            return;
        }
        tokio::select! {
            Ok(()) = faults.changed() => {}
            Ok(()) = refusals.changed() => {}
            () = at(change) => {}
        }
    }
}

/// Tries an upstream that refuses until it accepts, again and again. The connection is closed at once.
async fn try_upstream(link: &Link) {
    let mut refusals: watch::Receiver<bool> = link.refusals();
    // The link lives as long as this, so its sender does.
    while refusals.wait_for(|refuses| *refuses).await.is_ok() {
        sleep(TRY_EVERY).await;
        let tried = timeout(link.limits.connect_within(), TcpStream::connect(link.upstream)).await;
        let is_refused = matches!(&tried, Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused);
        link.note_upstream(is_refused);
    }
}
