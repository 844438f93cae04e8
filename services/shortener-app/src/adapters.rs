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

use contract::{Unavailable, Why};

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

/// Brings a component's tables up to date; components may share a database, so each keeps its own list.
async fn migrate<'a, A>(
    mut migrator: sqlx::migrate::Migrator,
    list: &'static str,
    database: A,
) -> anyhow::Result<()>
where
    A: sqlx::Acquire<'a>,
    <A::Connection as std::ops::Deref>::Target: sqlx::migrate::Migrate,
{
    migrator.dangerous_set_table_name(list);
    Ok(migrator.run(database).await?)
}
