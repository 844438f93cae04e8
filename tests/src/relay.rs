//! A relay in front of a server: it starts on demand, counts connections, and drops them as a restart does.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::stores::{FreshPostgres, fresh_postgres};

/// The relay.
pub struct Relay {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    listening: JoinHandle<()>,
}

impl Relay {
    /// Relays connections from one address to the other. Stopping it ends them all.
    pub async fn start(at: SocketAddr, to: String) -> Self {
        let listener = TcpListener::bind(at).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let accepted = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&accepted);
        let listening = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let mut far = TcpStream::connect(&to).await.expect("a server");
                connections.spawn(async move {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { address, accepted, listening }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connections accepted so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Stops, and ends every connection.
    pub async fn stop(self) {
        self.listening.abort();
        let _ = self.listening.await;
    }
}

/// A free address, the server behind it, the address of an empty database through it, and the database
/// itself.
pub async fn relayed() -> Option<(SocketAddr, String, String, FreshPostgres)> {
    let fresh = fresh_postgres().await?;
    let (user, rest) = fresh.address.strip_prefix("postgres://")?.split_once('@')?;
    let (server, name) = rest.split_once('/')?;
    let free =
        TcpListener::bind("127.0.0.1:0").await.and_then(|free| free.local_addr()).expect("a free port");
    Some((free, server.to_owned(), format!("postgres://{user}@{free}/{name}"), fresh))
}
