//! Relational stores: SQLite in the process, or a PostgreSQL server.

use std::{io, str::FromStr, sync::Arc, time::Duration};

use contract::{Unavailable, Why};
use prometheus_client::metrics::counter::Counter;
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
    tables::unavailable,
};

/// Connections to a server that one process may hold.
pub const POSTGRES_CONNECTIONS: u32 = 16;
/// Connections that read a SQLite file at once; one more writes.
const SQLITE_READERS: u32 = 4;
/// How long a caller waits for a connection.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(1);
/// How long a server may take to accept a connection when a process opens it.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(2);
/// A connection that was idle for longer is asked whether its server is still there before a statement is sent: a
/// restart, which takes longer than this, has closed it. Under load none is idle for so long, and none is asked.
pub const TRUSTED_FOR: Duration = Duration::from_millis(500);
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
    /// It refuses.
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
    server: Server,
}

/// A PostgreSQL server.
#[derive(Clone, Debug)]
pub struct Postgres {
    pool: PgPool,
    /// A pool that refuses at once: whoever asks while the server is away gets this one.
    refusing: PgPool,
    options: Arc<PgConnectOptions>,
    availability: Availability,
    statements: Counter,
    server: Server,
    _probing: Arc<AbortOnDropHandle<()>>,
}

impl Database {
    /// Opens the store at `sqlite:PATH` or `postgres://...`, and counts the statements that are sent to it.
    ///
    /// A server that is not there yet is waited for, however long it takes. Once it was there, nobody waits.
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

    /// What a component says of it when a statement fails; the log has the rest.
    pub fn unavailable(&self, error: &sqlx::Error) -> Unavailable {
        match self {
            Self::Sqlite(sqlite) => sqlite.unavailable(error),
            Self::Postgres(postgres) => postgres.unavailable(error),
        }
    }

    /// Whether it answers.
    pub fn check(&self, role: &str) -> Check {
        let database = self.clone();
        Check::new(role.to_owned(), move || {
            let database = database.clone();
            // Not counted as a statement: nobody's request sent it.
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
        // The writer first: it makes the file and sets its journal mode.
        let writer = Self::pool(1, &options).await?;
        let readers = Self::pool(SQLITE_READERS, &options.clone().read_only(true)).await?;
        let file = options.get_filename().display().to_string();
        Ok(Self { readers, writer, statements, server: Server::new("sqlite", file, None) })
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
    pub fn reader(&self) -> Statements<'_, sqlx::Sqlite> {
        self.statements.inc();
        Statements::new(&self.readers, &self.server)
    }

    /// Where to send a statement that writes; counts it.
    pub fn writer(&self) -> Statements<'_, sqlx::Sqlite> {
        self.statements.inc();
        Statements::new(&self.writer, &self.server)
    }

    /// What a component says of it when a statement fails; the log has the rest.
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
            // A ping before every query would cost a round trip each.
            .test_before_acquire(false)
            // One that is closed meanwhile is replaced here, where nothing has been sent yet that might happen twice.
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
        Ok(Self { pool, refusing, options, availability, statements, server, _probing: probing })
    }

    /// Whether the server takes a connection, and if not, why: of a pool, all that is heard is that time was up.
    async fn is_there(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
        // By itself, for a name that nobody knows may take its time to be unknown.
        if options.get_socket().is_none() && !options.get_host().starts_with('/') {
            let _ = lookup_host((options.get_host(), options.get_port())).await?;
        }
        if let Ok(connection) = timeout(ACCEPTED_WITHIN, PgConnection::connect_with(options)).await {
            return connection?.close().await;
        }
        let why = format!("no connection is accepted within {} s", ACCEPTED_WITHIN.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, why).into())
    }

    /// Whether the server responds. Requests may use all connections of the pool, and one that was idle may have died with
    /// the server that is back: neither says that the server is away, so then a connection of its own is made.
    async fn responds(&self) -> bool {
        if let Some(mut free) = self.usable().try_acquire()
            && sqlx::query("SELECT 1").execute(&mut *free).await.is_ok()
        {
            return true;
        }
        match Self::is_there(&self.options).await {
            Ok(()) => true,
            // Too many connections: it is busy, and serves those who have one.
            Err(error) if has_code(&error, &["53300"]) => true,
            Err(_) => {
                self.availability.suspect();
                false
            }
        }
    }

    /// Runs a statement of administration, such as `CREATE DATABASE`, that takes no parameters.
    pub async fn execute(&self, statement: &str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(self.pool()).await.map(drop)
    }

    /// Where to send a statement; counts it.
    pub fn pool(&self) -> Statements<'_, sqlx::Postgres> {
        self.statements.inc();
        Statements::new(self.usable(), &self.server)
    }

    fn usable(&self) -> &PgPool {
        if self.availability.outage().is_some() {
            return &self.refusing;
        }
        // None whose end could be seen.
        if self.pool.size() == 0 {
            self.availability.suspect();
        }
        &self.pool
    }

    /// What a component says of it when a statement fails; the log has the rest.
    pub fn unavailable(&self, error: &sqlx::Error) -> Unavailable {
        self.availability.suspect();
        match (error, self.availability.outage()) {
            (sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed, Some(error)) => {
                tracing::warn!(%error, "the database cannot be reached");
                Unavailable::new("database", Why::Unreachable)
            }
            _ => unavailable(error),
        }
    }
}

/// Whether a server that cannot be opened now may be opened soon: nobody listens yet, its name is not known yet, it is
/// starting, stopping or restarting (`57P..`), it has as many connections as it takes (`53300`), or its scripts have not
/// made the database (`3D000`), the user (`28000`) or its password (`28P01`) yet
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

/// An address as it may be shown.
fn without_password(address: &str) -> String {
    match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://...@{host}"),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests;
