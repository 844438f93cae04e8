//! A PostgreSQL that is late, restarts, or is not there: a process waits for it, and no request pays for a connection
//! that died while nobody used it.
//!
//! A relay stands before the server: it comes when the test says so, and drops connections as a restart does.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{net::SocketAddr, time::Duration};

use backing::{Database, Postgres};
use futures::future::join_all;
use prometheus_client::registry::Registry;
use system_tests::stores::fresh_postgres;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep},
};

/// For how long a connection is trusted without a question, and more.
const IDLE: Duration = Duration::from_millis(700);

/// Statements that need a connection each at the same time.
const AT_ONCE: usize = 8;

/// What is between a process and its server.
struct Relay {
    listening: JoinHandle<()>,
}

impl Relay {
    /// Relays what comes in at one address to the other. Every connection ends with it.
    async fn start(at: SocketAddr, to: String) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let listening = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(&to).await.unwrap();
                connections.spawn(async move {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { listening }
    }

    /// Ends, and with it every connection.
    async fn stop(self) {
        self.listening.abort();
        let _ = self.listening.await;
    }
}

/// A free address, the server behind it, and the address of an empty database by way of it.
async fn relayed() -> Option<(SocketAddr, String, String)> {
    let direct = fresh_postgres().await?;
    let (user, rest) = direct.strip_prefix("postgres://").unwrap().split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    Some((free, server.to_owned(), format!("postgres://{user}@{free}/{name}")))
}

async fn open(address: &str) -> Postgres {
    match Database::open(address, "database", &mut Registry::default()).await.unwrap() {
        Database::Postgres(database) => database,
        Database::Sqlite(_) => unreachable!("the address says postgres"),
    }
}

/// Statements that are all under way at the same time: each on a connection of its own. What failed, in words.
async fn at_once(database: &Postgres) -> Vec<String> {
    let one = async || database.execute("SELECT pg_sleep(0.1)").await.err().map(|error| error.to_string());
    join_all((0..AT_ONCE).map(|_| one())).await.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_process_waits_for_a_server_that_is_late() {
    let Some((at, server, address)) = relayed().await else { return };
    let late = Duration::from_secs(1);
    let begun = Instant::now();
    let starting = tokio::spawn(async move {
        sleep(late).await;
        Relay::start(at, server).await
    });
    let database = open(&address).await;
    assert!(begun.elapsed() >= late);
    assert_eq!(at_once(&database).await, [""; 0]);
    starting.await.unwrap().stop().await;
}

#[tokio::test]
async fn no_request_fails_because_its_connection_died_while_it_was_idle() {
    let Some((at, server, address)) = relayed().await else { return };
    let relay = Relay::start(at, server.clone()).await;
    let database = open(&address).await;
    assert_eq!(at_once(&database).await, [""; 0], "each has a connection now");
    relay.stop().await;
    let relay = Relay::start(at, server).await;
    sleep(IDLE).await;
    assert_eq!(at_once(&database).await, [""; 0], "after a restart each has another one");
    relay.stop().await;
}

#[tokio::test]
async fn who_is_refused_for_good_does_not_wait() {
    let Some(address) = fresh_postgres().await else { return };
    let begun = Instant::now();
    let wrong = format!("{address}_that_is_not_there");
    let Err(error) = Database::open(&wrong, "database", &mut Registry::default()).await else {
        panic!("there is no such database")
    };
    assert!(error.to_string().contains("does not exist"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
