//! Relational stores: SQLite in the process, or a PostgreSQL server.

use std::{str::FromStr, time::Duration};

use prometheus_client::{metrics::counter::Counter, registry::Registry};
use sqlx::{
    PgPool, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::{Instant, sleep};

use crate::Check;

/// Connections to a server that one process may hold.
const POSTGRES_CONNECTIONS: u32 = 16;
/// Connections that read a SQLite file at once; one more writes.
const SQLITE_READERS: u32 = 4;
/// How long a caller waits for a connection.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(1);
/// How long a SQLite writer waits for another process's write to end.
const BUSY_FOR: Duration = Duration::from_secs(1);
/// How long processes that open one SQLite file at the same time may take in all, and how often each asks again.
const OPENED_WITHIN: Duration = Duration::from_secs(5);
const OPEN_EVERY: Duration = Duration::from_millis(10);
/// "The database file is locked": <https://www.sqlite.org/rescode.html#busy>, in the low byte of an extended code.
const SQLITE_BUSY: i32 = 5;

/// A store that an address named. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file.
    Sqlite(Sqlite),
    /// A server.
    Postgres(Postgres),
}

/// A database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is of no known kind.
    #[error("`{0}` is not a database address: expected `sqlite:PATH` or `postgres://...`")]
    UnknownAddress(String),
    /// It does not answer, or refuses.
    #[error("cannot open the database at `{address}`: {source}")]
    Refused {
        /// The address.
        address: String,
        /// Why.
        source: sqlx::Error,
    },
}

/// A SQLite file: several readers beside one writer, which is what WAL mode allows.
///
/// With `synchronous = NORMAL` a commit survives a killed process, not a power cut
/// (<https://www.sqlite.org/pragma.html#pragma_synchronous>).
#[derive(Clone, Debug)]
pub struct Sqlite {
    readers: SqlitePool,
    writer: SqlitePool,
    statements: Counter,
}

/// A PostgreSQL server.
#[derive(Clone, Debug)]
pub struct Postgres {
    pool: PgPool,
    statements: Counter,
}

impl Database {
    /// Opens the store at `sqlite:PATH` or `postgres://...`; statements are counted under `role`.
    pub async fn open(address: &str, role: &str, registry: &mut Registry) -> Result<Self, OpenError> {
        let statements = Counter::default();
        registry.sub_registry_with_label(("role".into(), role.to_owned().into())).register(
            "sql_statements",
            "Statements sent to the database",
            statements.clone(),
        );
        let refused = |source| OpenError::Refused { address: without_password(address), source };
        if let Some(path) = address.strip_prefix("sqlite:") {
            return Sqlite::open(path, statements).await.map(Self::Sqlite).map_err(refused);
        }
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            return Postgres::connect(address, statements).await.map(Self::Postgres).map_err(refused);
        }
        Err(OpenError::UnknownAddress(without_password(address)))
    }

    /// Whether it answers.
    pub fn check(&self, role: &str) -> Check {
        let database = self.clone();
        Check::new(format!("the database `{role}`"), move || {
            let database = database.clone();
            // Not counted as a statement: nobody's request sent it.
            async move {
                match &database {
                    Self::Sqlite(sqlite) => sqlx::query("SELECT 1").execute(&sqlite.readers).await.is_ok(),
                    Self::Postgres(postgres) => sqlx::query("SELECT 1").execute(&postgres.pool).await.is_ok(),
                }
            }
        })
    }
}

impl Sqlite {
    async fn open(path: &str, statements: Counter) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::from_str(path)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_FOR);
        // The writer first: it makes the file and sets its journal mode.
        let writer = Self::pool(1, &options).await?;
        let readers = Self::pool(SQLITE_READERS, &options.read_only(true)).await?;
        Ok(Self { readers, writer, statements })
    }

    /// Asks again while another process sets the file's journal mode: then SQLite refuses at once instead of waiting;
    /// and while a busy disk takes longer than a caller would wait later on.
    async fn pool(connections: u32, options: &SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
        let deadline = Instant::now() + OPENED_WITHIN;
        loop {
            let pool = SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_WITHIN)
                .test_before_acquire(false)
                .connect_with(options.clone());
            match pool.await {
                Err(error) if is_busy(&error) && Instant::now() < deadline => sleep(OPEN_EVERY).await,
                outcome => return outcome,
            }
        }
    }

    /// Where to send a statement that reads; counts it.
    pub fn reader(&self) -> &SqlitePool {
        self.statements.inc();
        &self.readers
    }

    /// Where to send a statement that writes; counts it.
    pub fn writer(&self) -> &SqlitePool {
        self.statements.inc();
        &self.writer
    }
}

impl Postgres {
    async fn connect(address: &str, statements: Counter) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(ACQUIRE_WITHIN)
            // A ping before every query costs a round trip each; a broken connection is found by its query.
            .test_before_acquire(false)
            .connect(address)
            .await?;
        Ok(Self { pool, statements })
    }

    /// Runs a statement of administration, such as `CREATE DATABASE`, that takes no parameters.
    pub async fn execute(&self, statement: &str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(self.pool()).await.map(drop)
    }

    /// Where to send a statement; counts it.
    pub fn pool(&self) -> &PgPool {
        self.statements.inc();
        &self.pool
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return true;
    }
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == SQLITE_BUSY)
}

/// An address as it may be shown.
fn without_password(address: &str) -> String {
    match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://...@{host}"),
        _ => address.to_owned(),
    }
}
