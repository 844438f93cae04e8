//! What every store does with its database: brings its tables up to date, and says what failed.

use std::time::Duration;

use contract::{Unavailable, Why};
use sqlx::{
    SqlStr,
    migrate::{Migration, MigrationType, Migrator},
};
use tokio::time::Instant;

/// What a component says of its database when that fails; the log has the rest.
pub(crate) fn unavailable(error: &sqlx::Error) -> Unavailable {
    let why = match error {
        sqlx::Error::PoolTimedOut => Why::Overloaded,
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Why::Unreachable,
        // A server that stops takes its leave of every connection.
        sqlx::Error::Database(error) if error.code().is_some_and(|code| code.starts_with("57P0")) => {
            Why::Unreachable
        }
        _ => Why::Broken,
    };
    tracing::warn!(%error, "the database failed");
    Unavailable::new("database", why)
}

/// How long copies of a component that start at once may take to make its tables, and how often each looks again.
const MIGRATED_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Brings a component's tables up to date by scripts, of which each runs once, in their order; components may share a
/// database, so each keeps its own list.
///
/// sqlx's `migrate!` would read the same files, and builds every driver a second time, for itself.
/// SQLite has no lock that copies could take turns with (PostgreSQL has): whoever comes second fails, and then finds
/// the work done, because each migration is one transaction with its line in the list.
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
