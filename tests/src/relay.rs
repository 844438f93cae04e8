//! A relay before a server: it comes when a test says so, counts connections, and drops them as a restart does.

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

/// What is between a process and its server.
pub struct Relay {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    listening: JoinHandle<()>,
}

impl Relay {
    /// Relays what comes in at one address to the other. Every connection ends with it.
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

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections have come in.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Ends, and with it every connection.
    pub async fn stop(self) {
        self.listening.abort();
        let _ = self.listening.await;
    }
}

/// A free address, the server behind it, and the address of an empty database by way of it; the last keeps that.
pub async fn relayed() -> Option<(SocketAddr, String, String, FreshPostgres)> {
    let fresh = fresh_postgres().await?;
    let (user, rest) = fresh.address.strip_prefix("postgres://")?.split_once('@')?;
    let (server, name) = rest.split_once('/')?;
    let free =
        TcpListener::bind("127.0.0.1:0").await.and_then(|free| free.local_addr()).expect("a free port");
    Some((free, server.to_owned(), format!("postgres://{user}@{free}/{name}"), fresh))
}
