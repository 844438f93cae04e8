//! A process before it can serve: from its first moment on it says that it is alive, and for what it waits.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, anyhow};
use design::Limits;
use prometheus_client::registry::Registry;
use tokio::{
    net::{TcpListener, TcpSocket},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{Ingress, ServeLimits, ServerMetrics, health::Health, serve};

/// Connections that the kernel accepts before the process does.
const BACKLOG: u32 = 1_024;

/// The internal server of a process that starts: it serves what the process says of its health, and nothing else.
pub(crate) struct Starting {
    listener: TcpListener,
    server: JoinHandle<()>,
    stop: CancellationToken,
}

impl Starting {
    /// Listens, and serves.
    pub(crate) fn at(address: SocketAddr, health: Health, limits: Limits) -> Result<Self> {
        let listener =
            std::net::TcpListener::bind(address).map_err(|error| cannot_listen(address, &error))?;
        listener.set_nonblocking(true)?;
        let same = TcpListener::from_std(listener.try_clone()?)?;
        let metrics = ServerMetrics::register(&mut Registry::default()).of("internal");
        let ingress = Ingress::starting(health.routes(), limits, metrics);
        let stop = CancellationToken::new();
        // Who goes elsewhere from here comes back to the same listener.
        let serve_limits = ServeLimits { lame_duck: Duration::ZERO, ..ServeLimits::from(&limits) };
        let server = tokio::spawn(serve(same, ingress, serve_limits, stop.clone()));
        Ok(Self { listener: TcpListener::from_std(listener)?, server, stop })
    }

    /// Ends, and gives back the listener, which listens all the while.
    pub(crate) async fn ends(self) -> Result<TcpListener> {
        self.stop.cancel();
        self.server.await?;
        Ok(self.listener)
    }
}

/// An address that is taken, and on which nobody is served yet: until then who connects is refused, and not kept waiting.
pub(crate) struct Reserved {
    address: SocketAddr,
    socket: TcpSocket,
}

impl Reserved {
    /// Takes it.
    pub(crate) fn new(address: SocketAddr) -> Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        let taken = socket.set_reuseaddr(true).and_then(|()| socket.bind(address));
        taken.map_err(|error| cannot_listen(address, &error))?;
        Ok(Self { address, socket })
    }

    /// Listens on it.
    pub(crate) fn listen(self) -> Result<TcpListener> {
        self.socket.listen(BACKLOG).map_err(|error| cannot_listen(self.address, &error))
    }
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> anyhow::Error {
    anyhow!("cannot listen on `{address}`: {error}\nhint: is another process using this port?")
}
