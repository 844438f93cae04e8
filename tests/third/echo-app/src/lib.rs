//! The echo as it runs: edge, remote forms and wiring around the logic of `echo`.
//!
//! Read in this order: `axes`, `wiring`, `system`, `edge`, `remotes`.

mod axes;
mod edge;
pub mod remotes;
mod system;
mod wiring;

pub use system::SYSTEM;

/// The echo, for `lab host`.
pub static SERVICE: runtime::Service = runtime::Service {
    system: &SYSTEM,
    wire: |host| Box::pin(wiring::wire(host)),
    descriptors: tonic::include_file_descriptor_set!("descriptors"),
};
