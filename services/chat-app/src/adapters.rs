//! The adapters of the chat's ports.
//!
//! Siblings have the same members in the same order, so that two stores can be read side by side. Each store exists for
//! SQLite and for PostgreSQL: their statements are the same, where the databases let them be. A list is a parameter of JSON
//! to both; PostgreSQL finds the members of an array by an index, and would read the whole table for a subquery.
//!
//! Read in this order: `rows` (columns); `sql_rooms`, `sql_messages`, `sql_presence`.
//!
//! Transactions lock in one order, so that no two wait for each other: the room, and then its members; the log, and then its
//! records; the gateway, and then its devices. SQLite locks all of it with the first statement that writes, so a transaction
//! begins with such a one.

mod rows;
mod sql_messages;
mod sql_presence;
mod sql_rooms;

pub use sql_messages::{PostgresMessageStore, SqliteMessageStore};
pub use sql_presence::{PostgresPresenceStore, SqlitePresenceStore};
pub use sql_rooms::{PostgresRoomStore, SqliteRoomStore};
