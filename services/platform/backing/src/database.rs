//! Relational stores: an embedded SQLite file, or a PostgreSQL server.

use std::{io, str::FromStr, sync::Arc, time::Duration};

use contract::{Unavailable, Why};
use prometheus_client::metrics::counter::Counter;
use resilience::StoreGuard;
use sqlx::{
    Connection, PgConnection, PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{
    net::lookup_host,
    time::{Instant, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    Check, Waiting,
    availability::Availability,
    spans::{Server, Statements},
    tables::{is_rejected, unavailable},
};

/// The size of a process's connection pool to one server.
pub const POSTGRES_CONNECTIONS: u32 = 16;
/// Connections that read a SQLite file; one more writes.
const SQLITE_READERS: u32 = 4;
/// The time limit for getting a connection from a pool.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(1);
/// The time limit for a new connection when a process opens the database, and for each probe.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(2);
/// A connection that was idle for longer is pinged before use, because the server may have restarted; a
/// restart takes longer than this. Under load no connection is idle for so long, so none is pinged.
pub const TRUSTED_FOR: Duration = Duration::from_millis(500);
/// SQLite's busy time-out: how long a writer waits for another process's write lock.
const BUSY_FOR: Duration = Duration::from_secs(1);
/// The time limit for opening one SQLite file from several processes at once, and the interval between
/// attempts.
const OPENED_WITHIN: Duration = Duration::from_secs(5);
const OPEN_EVERY: Duration = Duration::from_millis(10);
/// The result code for a locked database file, in the low byte of an extended code:
/// <https://www.sqlite.org/rescode.html#busy>.
const SQLITE_BUSY: i32 = 5;

/// An open store. Cheap to clone; clones share the pool.
#[derive(Clone, Debug)]
pub enum Database {
    /// An embedded file.
    Sqlite(Sqlite),
    /// A server.
    Postgres(Postgres),
}

/// The reasons why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The scheme of the address is unknown.
    #[error("`{0}` is not a database address: expected `sqlite:PATH` or `postgres://...`")]
    UnknownAddress(String),
    /// The driver or the server returned a permanent error.
    #[error("cannot open the database at `{address}`: {source}")]
    Refused {
        /// The address, without its password.
        address: String,
        /// The error.
        source: sqlx::Error,
    },
}

/// A SQLite file in WAL mode, which allows several readers beside one writer.
///
/// With `synchronous = NORMAL` a commit survives a killed process, but not a power failure
/// (<https://www.sqlite.org/pragma.html#pragma_synchronous>).
#[derive(Clone, Debug)]
pub struct Sqlite {
    readers: SqlitePool,
    writer: SqlitePool,
    statements: Counter,
    server: Server,
}

/// A PostgreSQL server.
#[derive(Clone, Debug)]
pub struct Postgres {
    pool: PgPool,
    /// A closed pool, used while the server is unavailable: sqlx fails every acquire from it at once.
    refusing: PgPool,
    options: Arc<PgConnectOptions>,
    availability: Availability,
    statements: Counter,
    server: Server,
    guard: StoreGuard,
    _probing: Arc<AbortOnDropHandle<()>>,
}

impl Database {
    /// Opens the store at `sqlite:PATH` or `postgres://...`; `statements` counts the statements sent to it.
    ///
    /// Waits for a PostgreSQL server without a time limit. After this, statements fail at once while the
    /// server is unavailable.
    pub async fn open(
        address: &str,
        role: &str,
        statements: Counter,
        waiting: &Waiting,
    ) -> Result<Self, OpenError> {
        let refused = |source| OpenError::Refused { address: without_password(address), source };
        if let Some(path) = address.strip_prefix("sqlite:") {
            return Sqlite::open(path, statements).await.map(Self::Sqlite).map_err(refused);
        }
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(address).map_err(refused)?;
            let what = format!("the database `{role}` at `{}`", without_password(address));
            let attempt = || Postgres::connect(&options, &statements);
            return waiting.until(&what, attempt, may_come).await.map(Self::Postgres).map_err(refused);
        }
        Err(OpenError::UnknownAddress(without_password(address)))
    }

    /// Puts a breaker before the statements of a server; `guard` gets its address. A file has none.
    #[must_use]
    pub fn guarded(self, guard: impl FnOnce(&str) -> StoreGuard) -> Self {
        match self {
            Self::Sqlite(sqlite) => Self::Sqlite(sqlite),
            Self::Postgres(postgres) => {
                let (host, port) = (postgres.options.get_host(), postgres.options.get_port());
                let guard = guard(&format!("{host}:{port}"));
                Self::Postgres(Postgres { guard, ..postgres })
            }
        }
    }

    /// The contract's error for a failed statement; the log has the details.
    pub fn unavailable(&self, error: &sqlx::Error) -> Unavailable {
        match self {
            Self::Sqlite(sqlite) => sqlite.unavailable(error),
            Self::Postgres(postgres) => postgres.unavailable(error),
        }
    }

    /// A check of whether the store responds.
    pub fn check(&self, role: &str) -> Check {
        let database = self.clone();
        Check::new(role.to_owned(), move || {
            let database = database.clone();
            // Not counted as a statement, because no request sent it.
            async move {
                match &database {
                    Self::Sqlite(sqlite) => sqlx::query("SELECT 1").execute(&sqlite.readers).await.is_ok(),
                    Self::Postgres(postgres) => postgres.responds().await,
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
        // The writer first: it creates the file and sets its journal mode.
        let writer = Self::pool(1, &options).await?;
        let readers = Self::pool(SQLITE_READERS, &options.clone().read_only(true)).await?;
        let file = options.get_filename().display().to_string();
        Ok(Self { readers, writer, statements, server: Server::new("sqlite", file, None) })
    }

    /// Retries while the file is busy. SQLite ignores the busy time-out while another process switches the
    /// journal mode, and a slow disk may exceed the acquire time-out.
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

    /// The pool for a statement that reads; counts it.
    pub fn reader(&self) -> Statements<'_, sqlx::Sqlite> {
        self.statements.inc();
        Statements::new(&self.readers, &self.server)
    }

    /// The pool for a statement that writes; counts it.
    pub fn writer(&self) -> Statements<'_, sqlx::Sqlite> {
        self.statements.inc();
        Statements::new(&self.writer, &self.server)
    }

    /// The contract's error for a failed statement; the log has the details.
    pub fn unavailable(&self, error: &sqlx::Error) -> Unavailable {
        unavailable(error)
    }
}

impl Postgres {
    async fn connect(options: &PgConnectOptions, statements: &Counter) -> Result<Self, sqlx::Error> {
        Self::is_there(options).await?;
        let availability = Availability::default();
        let suspected = availability.clone();
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(ACQUIRE_WITHIN)
            // sqlx would ping before every statement, one round trip each.
            .test_before_acquire(false)
            // The pool discards a connection that fails this ping and opens another. No statement has been
            // sent by then, so none can run twice.
            .before_acquire(move |connection, state| {
                let suspected = suspected.clone();
                Box::pin(async move {
                    if state.idle_for > TRUSTED_FOR {
                        connection.ping().await.inspect_err(|_| suspected.suspect())?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options.clone())
            .await?;
        let refusing = PgPoolOptions::new().connect_lazy_with(options.clone());
        refusing.close().await;
        let (probes, options) = (availability.clone(), Arc::new(options.clone()));
        let target = Arc::clone(&options);
        let probing = tokio::spawn(async move { probes.probe(|| Self::is_there(&target)).await });
        let (statements, probing) = (statements.clone(), Arc::new(AbortOnDropHandle::new(probing)));
        let namespace = options.get_database().unwrap_or(options.get_username()).to_owned();
        let place = (options.get_host().to_owned(), options.get_port());
        let server = Server::new("postgresql", namespace, Some(place));
        let guard = StoreGuard::default();
        Ok(Self { pool, refusing, options, availability, statements, server, guard, _probing: probing })
    }

    /// Connects once and closes: unlike the pool's time-out, the error says why the server is unavailable.
    async fn is_there(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
        // Resolved outside the time limit, because resolving an unknown name may take longer than that.
        if options.get_socket().is_none() && !options.get_host().starts_with('/') {
            let _ = lookup_host((options.get_host(), options.get_port())).await?;
        }
        if let Ok(connection) = timeout(ACCEPTED_WITHIN, PgConnection::connect_with(options)).await {
            return connection?.close().await;
        }
        let why = format!("no connection is accepted within {} s", ACCEPTED_WITHIN.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, why).into())
    }

    /// Whether the server responds: over a free connection of the pool, or over a new one. A fully used pool,
    /// or an idle connection that did not survive a restart of the server, does not prove that the server is
    /// unavailable.
    async fn responds(&self) -> bool {
        if let Some(mut free) = self.usable().try_acquire()
            && sqlx::query("SELECT 1").execute(&mut *free).await.is_ok()
        {
            return true;
        }
        match Self::is_there(&self.options).await {
            Ok(()) => true,
            // Too many connections: the server is busy and serves its open connections.
            Err(error) if has_code(&error, &["53300"]) => true,
            Err(_) => {
                self.availability.suspect();
                false
            }
        }
    }

    /// Runs an administrative statement without parameters, such as `CREATE DATABASE`.
    pub async fn execute(&self, statement: &str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(self.pool()).await.map(drop)
    }

    /// The pool for a statement; counts it.
    pub fn pool(&self) -> Statements<'_, sqlx::Postgres> {
        self.statements.inc();
        Statements::guarded(self.usable(), &self.server, &self.guard)
    }

    fn usable(&self) -> &PgPool {
        if self.availability.outage().is_some() {
            return &self.refusing;
        }
        // The pool has no connection whose loss would report an outage, so the probe has to.
        if self.pool.size() == 0 {
            self.availability.suspect();
        }
        &self.pool
    }

    /// The contract's error for a failed statement; the log has the details. Requests a probe of the server.
    pub fn unavailable(&self, error: &sqlx::Error) -> Unavailable {
        if !is_rejected(error) {
            self.availability.suspect();
        }
        match (error, self.availability.outage()) {
            (sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed, Some(error)) => {
                tracing::warn!(%error, "the database cannot be reached");
                Unavailable::new("database", Why::Unreachable)
            }
            _ => unavailable(error),
        }
    }
}

/// Whether a server that refuses now may accept later: nothing listens yet, its name does not resolve yet, it
/// starts or stops (`57P..`), it is full (`53300`), or its init scripts have not created the database
/// (`3D000`), the user (`28000`) or the password (`28P01`) yet
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn may_come(error: &sqlx::Error) -> bool {
    let may_pass = ["57P01", "57P02", "57P03", "53300", "3D000", "28000", "28P01"];
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut) || has_code(error, &may_pass)
}

fn has_code(error: &sqlx::Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| codes.contains(&&*code))
}

fn is_busy(error: &sqlx::Error) -> bool {
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return true;
    }
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == SQLITE_BUSY)
}

/// The address with its user and password replaced.
fn without_password(address: &str) -> String {
    match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://...@{host}"),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests;
