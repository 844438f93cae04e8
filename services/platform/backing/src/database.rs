//! Relational stores: SQLite in the process, or a PostgreSQL server.

use std::{str::FromStr, time::Duration};

use prometheus_client::{metrics::counter::Counter, registry::Registry};
use sqlx::{
    Connection, PgConnection, PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::{Instant, sleep, timeout};

use crate::Check;

/// Connections to a server that one process may hold.
const POSTGRES_CONNECTIONS: u32 = 16;
/// Connections that read a SQLite file at once; one more writes.
const SQLITE_READERS: u32 = 4;
/// How long a caller waits for a connection.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(1);
/// How long a server may be away when a process opens it: it may be starting as well. Once it was there, nobody waits.
const THERE_WITHIN: Duration = Duration::from_secs(10);
/// How often it is asked until then.
const THERE_EVERY: Duration = Duration::from_millis(100);
/// A connection that was idle for longer is asked whether its server is still there before a statement is sent: a
/// restart, which takes longer than this, has closed it. Under load none is idle for so long, and none is asked.
const TRUSTED_FOR: Duration = Duration::from_millis(500);
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
    /// Nobody is there.
    #[error(
        "no database answers at `{address}` within {} s: {source}\nhint: is it up, and is the address right?",
        THERE_WITHIN.as_secs()
    )]
    Away {
        /// The address.
        address: String,
        /// What the last attempt met.
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
            Postgres::is_there(address).await?;
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
            // A ping before every query would cost a round trip each.
            .test_before_acquire(false)
            // One that is closed meanwhile is replaced here, where nothing has been sent yet that might happen twice.
            .before_acquire(|connection, state| {
                Box::pin(async move {
                    if state.idle_for > TRUSTED_FOR {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect(address)
            .await?;
        Ok(Self { pool, statements })
    }

    /// Waits until the server takes a connection; one that refuses for good is not asked again.
    async fn is_there(address: &str) -> Result<(), OpenError> {
        let refused = |source| OpenError::Refused { address: without_password(address), source };
        let options = PgConnectOptions::from_str(address).map_err(refused)?;
        let deadline = Instant::now() + THERE_WITHIN;
        loop {
            let connected = timeout(ACQUIRE_WITHIN, PgConnection::connect_with(&options));
            let source = match connected.await.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
                Ok(connection) => return connection.close().await.map_err(refused),
                Err(error) if may_come(&error) => error,
                Err(error) => return Err(refused(error)),
            };
            if Instant::now() >= deadline {
                return Err(OpenError::Away { address: without_password(address), source });
            }
            sleep(THERE_EVERY).await;
        }
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

/// Whether a server that cannot be opened now may be opened soon: nobody listens yet, its name is not known yet, or it
/// is still starting (`57P03`, <https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn may_come(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code == "57P03"),
        _ => false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_comes_is_waited_for_and_then_said_to_be_away() {
        // The discard port: nothing listens there.
        let address = "postgres://lab:secret@127.0.0.1:9/links";
        let begun = Instant::now();
        let error = Database::open(address, "database", &mut Registry::default()).await.unwrap_err();
        assert!(begun.elapsed() >= THERE_WITHIN, "{:?}", begun.elapsed());
        let message = error.to_string();
        assert!(message.starts_with("no database answers at `postgres://...@127.0.0.1:9/links` within 10 s"));
        assert!(message.contains("hint:") && !message.contains("secret"), "{message}");
    }

    #[tokio::test]
    async fn an_address_that_nobody_understands_is_refused_at_once() {
        let error = Database::open("mysql://x:secret@host/y", "database", &mut Registry::default()).await;
        assert!(matches!(error, Err(OpenError::UnknownAddress(address)) if !address.contains("secret")));
    }
}
