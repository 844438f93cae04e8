//! The proxy as a whole: started from its configuration, controlled by whoever holds it, stopped.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admin,
    config::{Config, ConfigError},
    fault::Fault,
    link::{Link, LinkState},
    links::{Links, SetFaultsError},
    listening::{self, ReservedPort},
};

/// A running proxy. Dropping it ends every connection.
#[derive(Debug)]
pub struct Proxy {
    links: Links,
    admin: Option<SocketAddr>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Why a proxy did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be served.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An address cannot be listened on.
    #[error("{who} cannot listen on `{address}`: {source}\nhint: is the port taken, or below 1024?")]
    Listen {
        /// Who listens: the admin API, or which link.
        who: String,
        /// The address.
        address: SocketAddr,
        /// The error.
        source: io::Error,
    },
}

/// Serves links until the token is cancelled.
pub async fn serve(config: Config, stop: CancellationToken) -> Result<(), StartError> {
    let proxy = Proxy::start(config).await?;
    stop.cancelled().await;
    proxy.stop().await;
    Ok(())
}

impl Proxy {
    /// Starts all links. When this returns, each accepts connections.
    ///
    /// An upstream need not be there yet.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        config.validate()?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let mut bound = Vec::new();
        // All ports are bound before anything is served, so that an error leaves nothing half started.
        for one in config.links {
            let who = || format!("the link `{}`", one.name);
            let refused = |source| StartError::Listen { who: who(), address: one.listen, source };
            let port = ReservedPort::bind(one.listen).map_err(refused)?;
            let listener = port.listen().map_err(refused)?;
            let link = Arc::new(Link::new(one.name, port.address(), one.upstream, config.limits));
            bound.push((link, port, listener));
        }
        let admin =
            match config.admin {
                Some(address) => Some(TcpListener::bind(address).await.map_err(|source| {
                    StartError::Listen { who: "the admin API".to_owned(), address, source }
                })?),
                None => None,
            };
        let links = Links::new(bound.iter().map(|(link, ..)| Arc::clone(link)));
        for (link, port, listener) in bound {
            let serving = listening::serve(link, port, listener, tasks.clone(), stop.clone());
            tasks.spawn(stop.clone().run_until_cancelled_owned(serving));
        }
        let address = admin.as_ref().and_then(|listener| listener.local_addr().ok());
        if let Some(listener) = admin {
            tasks.spawn(stop.clone().run_until_cancelled_owned(admin::serve(listener, links.clone())));
        }
        Ok(Self { links, admin: address, stop, tasks })
    }

    /// The address of the admin API.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Where clients of a link connect.
    pub fn address(&self, link: &str) -> Option<SocketAddr> {
        self.links.named(link).ok().map(|link| link.listen)
    }

    /// Each link at this moment.
    pub fn links(&self) -> Vec<LinkState> {
        self.links.states()
    }

    /// Replaces the faults of a link by these; their leases begin now. None at all clears it.
    pub fn set_faults(&self, link: &str, faults: &[Fault]) -> Result<(), SetFaultsError> {
        self.links.set_faults(link, faults)
    }

    /// Ends every connection, and returns when nothing runs any more.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
