//! The stores that a component can stand on: SQLite always, PostgreSQL where one can be had.

use std::sync::Arc;

use backing::{Database, Waiting};
use limiter::PolicyStore;
use limiter_app::{PostgresPolicyStore, SqlitePolicyStore};
use prometheus_client::metrics::counter::Counter;
use shortener::{ClickStore, LinkStore, RequestKey, Shorten, Target};
use shortener_app::{
    MemoryClickStore, MemoryLinkStore, PostgresClickStore, PostgresLinkStore, SqliteClickStore,
    SqliteLinkStore,
};

use crate::skip::skip;

/// Where a PostgreSQL server is that tests may make databases in: `postgres://user@host:port`, without a database.
pub const POSTGRES: &str = "LAB_TEST_POSTGRES_URL";

/// Keeps the file of a SQLite store.
pub struct Kept(#[expect(dead_code, reason = "its drop removes the folder")] Option<tempfile::TempDir>);

/// Every store of links, by name.
pub async fn link_stores() -> Vec<(&'static str, Arc<dyn LinkStore>, Kept)> {
    let mut stores: Vec<(&'static str, Arc<dyn LinkStore>, Kept)> =
        vec![("memory", Arc::new(MemoryLinkStore::default()), Kept(None))];
    for (name, database, kept) in databases().await {
        let store: Arc<dyn LinkStore> = match database {
            Database::Sqlite(database) => Arc::new(SqliteLinkStore::open(database).await.expect("a table")),
            Database::Postgres(database) => {
                Arc::new(PostgresLinkStore::open(database).await.expect("a table"))
            }
        };
        stores.push((name, store, kept));
    }
    stores
}

/// Every store of clicks, by name.
pub async fn click_stores() -> Vec<(&'static str, Arc<dyn ClickStore>, Kept)> {
    let mut stores: Vec<(&'static str, Arc<dyn ClickStore>, Kept)> =
        vec![("memory", Arc::new(MemoryClickStore::default()), Kept(None))];
    for (name, database, kept) in databases().await {
        let store: Arc<dyn ClickStore> = match database {
            Database::Sqlite(database) => Arc::new(SqliteClickStore::open(database).await.expect("a table")),
            Database::Postgres(database) => {
                Arc::new(PostgresClickStore::open(database).await.expect("a table"))
            }
        };
        stores.push((name, store, kept));
    }
    stores
}

/// Every store of policies, by name.
pub async fn policy_stores() -> Vec<(&'static str, Arc<dyn PolicyStore>, Kept)> {
    let mut stores: Vec<(&'static str, Arc<dyn PolicyStore>, Kept)> = Vec::new();
    for (name, database, kept) in databases().await {
        let store: Arc<dyn PolicyStore> = match database {
            Database::Sqlite(database) => Arc::new(SqlitePolicyStore::open(database).await.expect("a table")),
            Database::Postgres(database) => {
                Arc::new(PostgresPolicyStore::open(database).await.expect("a table"))
            }
        };
        stores.push((name, store, kept));
    }
    stores
}

/// Every kind of database, empty.
pub async fn databases() -> Vec<(&'static str, Database, Kept)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = format!("sqlite:{}", folder.path().join("test.db").display());
    let sqlite = open(&file).await;
    let mut databases = vec![("sqlite", sqlite, Kept(Some(folder)))];
    if let Some(address) = fresh_postgres().await {
        databases.push(("postgres", open(&address).await, Kept(None)));
    }
    databases
}

async fn open(address: &str) -> Database {
    Database::open(address, "database", Counter::default(), &Waiting::default()).await.expect("it opens")
}

/// A new database on the test server; `None`, said loudly, where there is no server.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
pub async fn fresh_postgres() -> Option<String> {
    let Ok(server) = std::env::var(POSTGRES) else {
        let how_to_get = format!("Start a server and set {POSTGRES}=postgres://postgres@127.0.0.1:5432");
        skip("PostgreSQL", &how_to_get);
        return None;
    };
    let name = format!("test_{}", remote::new_span_id());
    let admin = format!("{server}/postgres");
    let Database::Postgres(database) = open(&admin).await else { unreachable!("the address says postgres") };
    database.execute(&format!("CREATE DATABASE {name}")).await.expect("a new database");
    Some(format!("{server}/{name}"))
}

/// A request for a link that can be told from every other number's.
pub fn numbered(number: u32) -> Shorten {
    Shorten {
        target: Target::parse(format!("https://example.com/{number}")).expect("a target"),
        alias: None,
        expires_at: None,
        key: RequestKey::parse(format!("key-{number}")).expect("a key"),
    }
}
