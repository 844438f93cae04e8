//! The chain as it runs: edge, crews of workers, remote forms and wiring around the logic of `chain`.
//!
//! Read in this order: `wiring` (the architecture, top to bottom), `system` (the same as data, for the lab), `axes`
//! (its own axes), `capacity` (what each component can do), `edge` (the public API), `remotes` (the components'
//! remote forms), `adapters` (the workers).

mod adapters;
pub mod axes;
pub mod capacity;
mod edge;
pub mod remotes;
mod system;
mod wiring;

pub use adapters::{CrewMetrics, Workers};
pub use system::SYSTEM;

/// The chain, for `lab host`.
pub static SERVICE: runtime::Service = runtime::Service {
    system: &SYSTEM,
    wire: |host| Box::pin(wiring::wire(host)),
    descriptors: tonic::include_file_descriptor_set!("descriptors"),
};
