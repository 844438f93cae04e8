//! The adapters: what the shortener's ports stand on.
//!
//! Siblings have the same members in the same order, so that two stores can be read side by side.

mod cached_links;
mod distant_links;
mod memory;
mod numbers;
mod postgres_clicks;
mod row;
mod sql_links;
mod sqlite_clicks;
mod tallying;

pub use cached_links::CachedLinkStore;
pub(crate) use distant_links::DistantLinkStore;
pub use memory::{MemoryClickStore, MemoryLinkStore};
pub use numbers::StoreNumbers;
pub use postgres_clicks::PostgresClickStore;
pub use sql_links::{PostgresLinkStore, SqliteLinkStore};
pub use sqlite_clicks::SqliteClickStore;
pub use tallying::Tallying;

use std::time::Duration;

use contract::{Unavailable, Why};
use tokio::time::Instant;

/// What a component says of its database when that fails; the log has the rest.
fn unavailable(error: &sqlx::Error) -> Unavailable {
    let why = match error {
        sqlx::Error::PoolTimedOut => Why::Overloaded,
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Why::Unreachable,
        _ => Why::Broken,
    };
    tracing::warn!(%error, "the database failed");
    Unavailable::new("database", why)
}

/// How long copies of a component that start at once may take to make its tables, and how often each looks again.
const MIGRATED_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Brings a component's tables up to date; components may share a database, so each keeps its own list.
///
/// SQLite has no lock that copies could take turns with (PostgreSQL has): whoever comes second fails, and then finds
/// the work done, because each migration is one transaction with its line in the list.
async fn migrate<'a, A>(
    mut migrator: sqlx::migrate::Migrator,
    list: &'static str,
    database: A,
) -> anyhow::Result<()>
where
    A: sqlx::Acquire<'a> + Copy,
    <A::Connection as std::ops::Deref>::Target: sqlx::migrate::Migrate,
{
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
