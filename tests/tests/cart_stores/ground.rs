//! Where these tests take place: databases, and a runtime on which futures wait for them.

use std::{
    any::Any,
    sync::{
        Arc, LazyLock, OnceLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use backing::{Database, Outbox, Topic, Waiting};
use cart_app::{
    PostgresCartStore, PostgresCatalogStore, PostgresNoticeStore, PostgresOrderStore, PostgresPaymentStore,
    PostgresShop, PostgresStockStore, PostgresVoucherStore, SqliteCartStore, SqliteCatalogStore,
    SqliteNoticeStore, SqliteOrderStore, SqlitePaymentStore, SqliteShop, SqliteStockStore,
    SqliteVoucherStore,
    axes::StockStrategy,
    postbox::{OrderBoxes, OrderPost, Postbox, ReplyPost},
};
use prometheus_client::metrics::counter::Counter;
use system_tests::stores::{FreshPostgres, POSTGRES, fresh_postgres};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::Mutex};

use crate::{mail::OutboxMail, stores::Stores};

/// The runtime of all tests.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The output of a future.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// New and empty stores in SQLite.
pub(crate) fn sqlite() -> Stores {
    at_once(in_sqlite(StockStrategy::AtomicUpdate))
}

/// New and empty stores in PostgreSQL; without a server, in SQLite once more.
pub(crate) fn postgres() -> Stores {
    at_once(async {
        match in_postgres(StockStrategy::RowLock).await {
            Some(stores) => stores,
            None => in_sqlite(StockStrategy::RowLock).await,
        }
    })
}

/// New and empty stores in every database, by its name.
pub(crate) async fn everywhere(strategy: StockStrategy) -> Vec<(&'static str, Stores)> {
    let mut everywhere = vec![("sqlite", in_sqlite(strategy).await)];
    everywhere.extend(in_postgres(strategy).await.map(|stores| ("postgres", stores)));
    everywhere
}

/// New and empty databases by their names, each with stores of two strategies.
pub(crate) async fn everywhere_twice(
    one: StockStrategy,
    other: StockStrategy,
) -> Vec<(&'static str, Stores, Stores)> {
    let (database, folder) = sqlite_database().await;
    let first = stores(&database, one, Box::new(folder)).await;
    let mut everywhere = vec![("sqlite", first, stores(&database, other, Box::new(())).await)];
    if let Some((database, shared)) = postgres_database().await {
        let first = stores(&database, one, Box::new(shared)).await;
        everywhere.push(("postgres", first, stores(&database, other, Box::new(())).await));
    }
    everywhere
}

async fn in_sqlite(strategy: StockStrategy) -> Stores {
    let (database, folder) = sqlite_database().await;
    stores(&database, strategy, Box::new(folder)).await
}

async fn in_postgres(strategy: StockStrategy) -> Option<Stores> {
    let (database, shared) = postgres_database().await?;
    Some(stores(&database, strategy, Box::new(shared)).await)
}

async fn sqlite_database() -> (Database, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&format!("sqlite:{}", folder.path().join("shop.db").display())).await;
    (database, folder)
}

/// A schema of its own, which takes less time to make than a database.
async fn postgres_database() -> Option<(Database, Arc<FreshPostgres>)> {
    static SCHEMAS: AtomicU64 = AtomicU64::new(0);
    let shared = shared_postgres().await?;
    let Database::Postgres(admin) = open(&shared.address).await else { unreachable!("the address says so") };
    let schema = format!("shop_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
    admin.execute(&format!("CREATE SCHEMA {schema}")).await.unwrap();
    let database = open(&format!("{}?options[search_path]={schema}", shared.address)).await;
    Some((database, shared))
}

/// The database of all shops: of all that are open at the same time, if its server has to be removed after the last one.
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

async fn relayed<T: Topic>(database: &Database) -> Postbox<T> {
    Postbox::Relayed(Outbox::open(database).await.unwrap())
}

/// The stores of one database.
async fn stores(database: &Database, strategy: StockStrategy, kept: Box<dyn Any + Send + Sync>) -> Stores {
    let replies = ReplyPost::new(relayed(database).await);
    let post = OrderPost::new(OrderBoxes {
        stock: relayed(database).await,
        vouchers: relayed(database).await,
        payments: relayed(database).await,
        events: relayed(database).await,
    });
    let mail = Arc::new(OutboxMail::new(database.clone()));
    match database.clone() {
        Database::Sqlite(db) => Stores {
            catalog: Arc::new(SqliteCatalogStore::open(db.clone()).await.unwrap()),
            carts: Arc::new(SqliteCartStore::open(db.clone()).await.unwrap()),
            stock: Arc::new(SqliteStockStore::open(db.clone(), strategy, replies.clone()).await.unwrap()),
            vouchers: Arc::new(SqliteVoucherStore::open(db.clone(), replies.clone()).await.unwrap()),
            payments: Arc::new(SqlitePaymentStore::open(db.clone(), replies).await.unwrap()),
            orders: Arc::new(SqliteOrderStore::open(db.clone(), post.clone()).await.unwrap()),
            shop: Arc::new(SqliteShop::open(db.clone(), strategy, post).await.unwrap()),
            notices: Arc::new(SqliteNoticeStore::open(db).await.unwrap()),
            mail,
            _kept: kept,
        },
        Database::Postgres(db) => Stores {
            catalog: Arc::new(PostgresCatalogStore::open(db.clone()).await.unwrap()),
            carts: Arc::new(PostgresCartStore::open(db.clone()).await.unwrap()),
            stock: Arc::new(PostgresStockStore::open(db.clone(), strategy, replies.clone()).await.unwrap()),
            vouchers: Arc::new(PostgresVoucherStore::open(db.clone(), replies.clone()).await.unwrap()),
            payments: Arc::new(PostgresPaymentStore::open(db.clone(), replies).await.unwrap()),
            orders: Arc::new(PostgresOrderStore::open(db.clone(), post.clone()).await.unwrap()),
            shop: Arc::new(PostgresShop::open(db.clone(), strategy, post).await.unwrap()),
            notices: Arc::new(PostgresNoticeStore::open(db).await.unwrap()),
            mail,
            _kept: kept,
        },
    }
}
