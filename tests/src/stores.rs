//! The stores of a component: SQLite always, PostgreSQL where one is available.

use std::sync::{Arc, Weak};

use backing::{Database, Waiting};
use limiter::PolicyStore;
use limiter_app::{PostgresPolicyStore, SqlitePolicyStore};
use prometheus_client::metrics::counter::Counter;
use shortener::{ClickStore, LinkStore, RequestKey, Shorten, Target};
use shortener_app::{
    MemoryClickStore, MemoryLinkStore, PostgresClickStore, PostgresLinkStore, SqliteClickStore,
    SqliteLinkStore,
};
use tokio::sync::Mutex;

use crate::real_servers::Server;

/// The variable with the address of a PostgreSQL server in which tests may create databases:
/// `postgres://user@host:port`, without a database. Without it, the tests of a process share one in a
/// container.
pub const POSTGRES: &str = "LAB_TEST_POSTGRES_URL";

/// Keeps a store's resources alive: the file of SQLite, or the server of a database.
pub enum Kept {
    /// Nothing has to be kept.
    Nothing,
    /// A folder with the file of a SQLite store.
    Folder(tempfile::TempDir),
    /// A database of PostgreSQL.
    Database(FreshPostgres),
}

/// A new database on a PostgreSQL server. A server that the tests started is removed with the last database on it.
pub struct FreshPostgres {
    /// The address: `postgres://user@host:port/name`.
    pub address: String,
    _server: Option<Arc<Server>>,
}

/// Every store of links, by name.
pub async fn link_stores() -> Vec<(&'static str, Arc<dyn LinkStore>, Kept)> {
    let mut stores: Vec<(&'static str, Arc<dyn LinkStore>, Kept)> =
        vec![("memory", Arc::new(MemoryLinkStore::default()), Kept::Nothing)];
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
        vec![("memory", Arc::new(MemoryClickStore::default()), Kept::Nothing)];
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
    let mut databases = vec![("sqlite", sqlite, Kept::Folder(folder))];
    if let Some(fresh) = fresh_postgres().await {
        databases.push(("postgres", open(&fresh.address).await, Kept::Database(fresh)));
    }
    databases
}

async fn open(address: &str) -> Database {
    Database::open(address, "database", Counter::default(), &Waiting::default()).await.expect("it opens")
}

/// A new database; `None`, with a message, if there is no server and none can be started.
pub async fn fresh_postgres() -> Option<FreshPostgres> {
    let (server, started) = postgres_server().await?;
    let name = format!("test_{}", remote::new_span_id());
    let admin = format!("{server}/postgres");
    let Database::Postgres(database) = open(&admin).await else { unreachable!("the address says postgres") };
    database.execute(&format!("CREATE DATABASE {name}")).await.expect("a new database");
    Some(FreshPostgres { address: format!("{server}/{name}"), _server: started })
}

/// The server in the environment, or the one that the tests of this process share.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
async fn postgres_server() -> Option<(String, Option<Arc<Server>>)> {
    static SHARED: Mutex<Weak<Server>> = Mutex::const_new(Weak::new());
    if let Ok(given) = std::env::var(POSTGRES) {
        return Some((given, None));
    }
    let mut shared = SHARED.lock().await;
    let server = match shared.upgrade() {
        Some(server) => server,
        // Enough connections for suites that run in parallel, and no waiting for the disk.
        None => Arc::new(Server::postgres(&["-c", "max_connections=300", "-c", "fsync=off"]).await?),
    };
    *shared = Arc::downgrade(&server);
    Some((format!("postgres://postgres@127.0.0.1:{}", server.port()), Some(server)))
}

/// A request for a link that differs from every other number's.
pub fn numbered(number: u32) -> Shorten {
    Shorten {
        target: Target::parse(format!("https://example.com/{number}")).expect("a target"),
        alias: None,
        expires_at: None,
        key: RequestKey::parse(format!("key-{number}")).expect("a key"),
    }
}
