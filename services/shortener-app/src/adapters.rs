//! The adapters of the shortener's ports.
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
