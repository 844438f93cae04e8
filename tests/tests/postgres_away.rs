//! A PostgreSQL that is late, restarts, or refuses: it is waited for, and no request pays for a connection that died
//! while nobody used it.
//!
//! A relay stands before the server: it comes when the test says so, and drops connections as a restart does.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::time::Duration;

use backing::{Database, Postgres, Waiting};
use futures::future::join_all;
use prometheus_client::registry::Registry;
use system_tests::{
    relay::{Relay, relayed},
    stores::fresh_postgres,
};
use tokio::time::{Instant, sleep};

/// For how long a connection is trusted without a question, and more.
const IDLE: Duration = Duration::from_millis(700);

/// Statements that need a connection each at the same time.
const AT_ONCE: usize = 8;

async fn open(address: &str) -> Postgres {
    match Database::open(address, "database", &mut Registry::default(), &Waiting::default()).await.unwrap() {
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
    let Err(error) = Database::open(&wrong, "database", &mut Registry::default(), &Waiting::default()).await
    else {
        panic!("there is no such database")
    };
    assert!(error.to_string().contains("does not exist"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
