//! The rate limiter as it runs: edge, adapters, remote forms and wiring around the logic of `limiter`.
//!
//! Read in this order: `wiring` (the architecture, top to bottom), `system` (the same as data, for the lab),
//! `axes` (its own axes), `limiting` (the layer around the protected routes), `edge` (the public API), `envoy`
//! (the API for a proxy), `remotes` (the components' remote forms), `adapters`.

mod adapters;
pub mod axes;
pub mod edge;
pub mod envoy;
pub mod limiting;
pub mod remotes;
mod system;
mod wiring;

pub use adapters::{InTime, PostgresPolicyStore, RedisCounts, SqlitePolicyStore, SyncedCounts, Within};
pub use system::SYSTEM;

/// The limiter, for `lab host`.
pub static SERVICE: runtime::Service = runtime::Service {
    system: &SYSTEM,
    wire: |host| Box::pin(wiring::wire(host)),
    descriptors: tonic::include_file_descriptor_set!("descriptors"),
};
