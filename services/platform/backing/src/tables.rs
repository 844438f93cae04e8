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
