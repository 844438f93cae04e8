//! The URL shortener as it runs: edge, adapters, remote forms and wiring around the logic of `shortener`.
//!
//! Read in this order: `wiring` (the architecture, top to bottom), `system` (the same as data, for the lab),
//! `axes` (its own axes), `edge` (the public API), `remotes` (the components' remote forms), `topics` (the topics of its
//! events), `adapters`.

mod adapters;
pub mod axes;
pub mod edge;
pub mod remotes;
mod system;
pub mod topics;
mod wiring;

pub use adapters::{
    CachedLinkStore, MemoryClickStore, MemoryLinkStore, PostgresClickStore, PostgresLinkStore,
    SqliteClickStore, SqliteLinkStore, StoreNumbers, Tallying,
};
pub use system::SYSTEM;
pub use wiring::new_link_id;

/// The shortener, for `lab host`.
pub static SERVICE: runtime::Service = runtime::Service {
    system: &SYSTEM,
    wire: |host| Box::pin(wiring::wire(host)),
    descriptors: tonic::include_file_descriptor_set!("descriptors"),
};
