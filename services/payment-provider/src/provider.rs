//! The provider as a whole: started from its configuration, served, stopped.

use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

use tokio::{net::TcpListener, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    books::Books,
    config::{Config, ConfigError},
    edge,
    execution::Executor,
    server,
    webhooks::Webhooks,
};

/// Why a provider did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be served.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address cannot be listened on.
    #[error("the provider cannot listen on `{address}`: {source}\nhint: is the port taken, or below 1024?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error.
        source: io::Error,
    },
    /// The books cannot be opened.
    #[error("the books `{}` cannot be opened: {source}\nhint: is its folder there, and may it be written?", path.display())]
    Books {
        /// The file.
        path: PathBuf,
        /// The error.
        source: sqlx::Error,
    },
}

/// Listens where the configuration says, and serves until the token is cancelled.
pub async fn serve(config: Config, stop: CancellationToken) -> Result<(), StartError> {
    let address = config.listen;
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|source| StartError::Listen { address, source })?;
    run(config, listener, stop).await
}

/// Serves on a listener until the token is cancelled: the address of the configuration is not used.
///
/// Then requests in flight are replied to, within a limit, and the books are closed.
pub async fn run(config: Config, listener: TcpListener, stop: CancellationToken) -> Result<(), StartError> {
    config.validate()?;
    let Config { books: path, script, webhooks, limits, .. } = config;
    let away = |source| StartError::Books { path: path.clone(), source };
    let books = Books::open(&path).await.map_err(away)?;
    let webhooks = Webhooks::open(books.clone(), webhooks, script.secret()).await.map_err(away)?;
    let executor = Executor::new(books.clone(), webhooks.clone(), script, limits.charges);
    let tasks = TaskTracker::new();
    // Whoever no longer waits for this ends it as well.
    let stop = stop.child_token();
    let _ends = stop.clone().drop_guard();
    tasks.spawn(webhooks.deliver(tasks.clone(), stop.clone()));
    let router = edge::router(executor, &limits, tasks.clone(), stop.clone());
    server::serve(listener, router, limits.connections, tasks.clone(), stop).await;
    tasks.close();
    if timeout(Duration::from_millis(limits.drain_ms), tasks.wait()).await.is_err() {
        tracing::warn!("requests in flight were cut off");
    }
    books.close().await;
    Ok(())
}
