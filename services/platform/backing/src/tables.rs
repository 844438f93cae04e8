//! Helpers of every SQL store: migrations, and the translation of errors.

use std::time::Duration;

use contract::{Unavailable, Why};
use sqlx::{
    SqlStr,
    migrate::{Migration, MigrationType, Migrator},
};
use tokio::time::Instant;

/// The contract's error for a failed statement; the log has the details.
pub(crate) fn unavailable(error: &sqlx::Error) -> Unavailable {
    // Without a line in the log: there are many, and the breaker's own line says why.
    if is_rejected(error) {
        return Unavailable::new("database", Why::Rejected);
    }
    let why = match error {
        sqlx::Error::PoolTimedOut => Why::Overloaded,
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Why::Unreachable,
        // A server that shuts down sends an error of class 57P0 on every connection.
        sqlx::Error::Database(error) if error.code().is_some_and(|code| code.starts_with("57P0")) => {
            Why::Unreachable
        }
        _ => Why::Broken,
    };
    tracing::warn!(%error, "the database failed");
    Unavailable::new("database", why)
}

/// A statement that was not sent, because the circuit breaker towards the server is open.
#[derive(Debug, thiserror::Error)]
#[error("the circuit breaker is open")]
pub(crate) struct RejectedError;

/// The same as an error of sqlx, among whose kinds this is the one for errors of others.
pub(crate) fn rejected() -> sqlx::Error {
    sqlx::Error::AnyDriverError(Box::new(RejectedError))
}

pub(crate) fn is_rejected(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::AnyDriverError(error) if error.is::<RejectedError>())
}

/// Whether the error says that the server cannot serve now. A closed pool stands for a server of which the probe
/// knows already that it is away, and an error of a statement is an answer, except of these classes: connection
/// (08), resources (53), operator intervention (57), system (58), internal (XX)
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
pub(crate) fn is_unhealthy(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            let class = error.code().map(|code| code.chars().take(2).collect::<String>());
            class.is_some_and(|class| ["08", "53", "57", "58", "XX"].contains(&class.as_str()))
        }
        _ => false,
    }
}

/// The time limit for the migrations of replicas that start together, and the interval between attempts.
const MIGRATED_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Applies a component's migrations, each once and in order. Components may share a database, so each keeps
/// its own list of applied migrations.
///
/// sqlx's `migrate!` would read the same files, but it builds every driver a second time for its macro.
/// PostgreSQL has a lock by which replicas take turns; SQLite has none. There the second replica fails and
/// retries, and finds the migrations applied, because each one is a transaction together with its line in the
/// list.
pub async fn migrate<'a, A>(scripts: &[&'static str], list: &'static str, database: A) -> anyhow::Result<()>
where
    A: sqlx::Acquire<'a> + Copy,
    <A::Connection as std::ops::Deref>::Target: sqlx::migrate::Migrate,
{
    let migration = |(version, script): (i64, &&'static str)| {
        Migration::new(version, list.into(), MigrationType::Simple, SqlStr::from_static(script), false)
    };
    let mut migrator = Migrator::with_migrations((1..).zip(scripts).map(migration).collect());
    migrator.dangerous_set_table_name(list);
    let deadline = Instant::now() + MIGRATED_WITHIN;
    while let Err(error) = migrator.run(database).await {
        if Instant::now() > deadline {
            return Err(error.into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}
