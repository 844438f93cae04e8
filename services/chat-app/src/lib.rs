//! The chat as it runs: edge, adapters, remote forms and wiring around the logic of `chat`.
//!
//! Read in this order: `wiring` (the architecture, top to bottom), `system` (the same as data, for the lab), `axes` (its own
//! axes), `edge` (the public API), `delivery` (what the connections of a process get), `fanout` (how a record comes to them),
//! `remotes` (the components' remote forms), `topics` (the topic of its records), `timers` (background jobs), `adapters`.

mod adapters;
pub mod axes;
pub mod delivery;
pub mod edge;
mod fanout;
pub mod remotes;
mod system;
mod timers;
pub mod topics;
mod wiring;

pub use adapters::{
    PostgresMessageStore, PostgresPresenceStore, PostgresRoomStore, SqliteMessageStore, SqlitePresenceStore,
    SqliteRoomStore,
};
pub use system::SYSTEM;

/// The chat, for `lab host`.
pub static SERVICE: runtime::Service = runtime::Service {
    system: &SYSTEM,
    wire: |host| Box::pin(wiring::wire(host)),
    descriptors: tonic::include_file_descriptor_set!("descriptors"),
};
