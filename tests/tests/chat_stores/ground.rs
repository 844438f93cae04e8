//! Where these tests take place: databases with the chat's stores, and a runtime on which futures wait for them.

use std::{
    any::Any,
    sync::{
        Arc, LazyLock, OnceLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use backing::{Database, Waiting};
use chat_app::{
    PostgresMessageStore, PostgresPresenceStore, PostgresRoomStore, SqliteMessageStore, SqlitePresenceStore,
    SqliteRoomStore,
};
use prometheus_client::metrics::counter::Counter;
use system_tests::stores::{FreshPostgres, POSTGRES, fresh_postgres};
use tokio::{runtime::Runtime, sync::Mutex};

use crate::stores::Stores;

/// The runtime of all tests.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The output of a future.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// New and empty stores in SQLite.
pub(crate) fn sqlite() -> Stores {
    at_once(async { in_sqlite().await.stores })
}

/// New and empty stores in PostgreSQL; without a server, in SQLite once more.
pub(crate) fn postgres() -> Stores {
    at_once(async {
        match in_postgres().await {
            Some(ground) => ground.stores,
            None => in_sqlite().await.stores,
        }
    })
}

/// A database with the chat's stores in it.
pub(crate) struct Ground {
    /// The database's name, for what an assertion says.
    pub(crate) name: &'static str,
    /// The stores, as one process has them.
    pub(crate) stores: Stores,
    address: String,
}

impl Ground {
    async fn new(name: &'static str, address: String, kept: Box<dyn Any + Send + Sync>) -> Self {
        Self { name, stores: stores(&address, kept).await, address }
    }

    /// Gives its logs new epochs, as after it was restored from a backup.
    pub(crate) async fn is_restored(&self) {
        match open(&self.address).await {
            Database::Sqlite(db) => {
                let statement = include_str!("../../../services/chat-app/restore/sqlite.sql");
                sqlx::raw_sql(statement).execute(db.writer()).await.map(drop)
            }
            Database::Postgres(db) => {
                db.execute(include_str!("../../../services/chat-app/restore/postgres.sql")).await
            }
        }
        .unwrap();
    }

    /// The same stores, as another process has them.
    pub(crate) async fn other_process(&self) -> Stores {
        stores(&self.address, Box::new(())).await
    }
}

/// Every kind of database, new and empty.
pub(crate) async fn everywhere() -> Vec<Ground> {
    let mut everywhere = vec![in_sqlite().await];
    everywhere.extend(in_postgres().await);
    everywhere
}

async fn in_sqlite() -> Ground {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("sqlite:{}", folder.path().join("chat.db").display());
    Ground::new("sqlite", address, Box::new(folder)).await
}

/// A schema of its own, which takes less time to make than a database.
async fn in_postgres() -> Option<Ground> {
    static SCHEMAS: AtomicU64 = AtomicU64::new(0);
    let shared = shared_postgres().await?;
    let Database::Postgres(admin) = open(&shared.address).await else { unreachable!("the address says so") };
    let schema = format!("chat_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
    admin.execute(&format!("CREATE SCHEMA {schema}")).await.unwrap();
    let address = format!("{}?options[search_path]={schema}", shared.address);
    Some(Ground::new("postgres", address, Box::new(shared)).await)
}

/// The database of all schemas: of all that are open at the same time, if its server has to be removed after the last one.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
async fn shared_postgres() -> Option<Arc<FreshPostgres>> {
    static SHARED: Mutex<Weak<FreshPostgres>> = Mutex::const_new(Weak::new());
    static KEPT: OnceLock<Arc<FreshPostgres>> = OnceLock::new();
    let mut shared = SHARED.lock().await;
    let database = match shared.upgrade() {
        Some(database) => database,
        None => Arc::new(fresh_postgres().await?),
    };
    *shared = Arc::downgrade(&database);
    if std::env::var(POSTGRES).is_ok() {
        KEPT.get_or_init(|| Arc::clone(&database));
    }
    Some(database)
}

async fn open(address: &str) -> Database {
    Database::open(address, "database", Counter::default(), &Waiting::default()).await.unwrap()
}

async fn stores(address: &str, kept: Box<dyn Any + Send + Sync>) -> Stores {
    match open(address).await {
        Database::Sqlite(db) => Stores {
            rooms: Arc::new(SqliteRoomStore::open(db.clone()).await.unwrap()),
            messages: Arc::new(SqliteMessageStore::open(db.clone()).await.unwrap()),
            presence: Arc::new(SqlitePresenceStore::open(db).await.unwrap()),
            _kept: kept,
        },
        Database::Postgres(db) => Stores {
            rooms: Arc::new(PostgresRoomStore::open(db.clone()).await.unwrap()),
            messages: Arc::new(PostgresMessageStore::open(db.clone()).await.unwrap()),
            presence: Arc::new(PostgresPresenceStore::open(db).await.unwrap()),
            _kept: kept,
        },
    }
}
