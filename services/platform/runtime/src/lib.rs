//! A service process: what it hosts, how it is reached, and how it ends.
//!
//! A [`ProcessConfig`](design::ProcessConfig) tells one process its part of a [`Wiring`](design::Wiring), and a [`Host`] puts that
//! part together and serves it.
//! Nothing outside this crate knows whether a component is local or remote.
//!
//! Not here: what a system is made of, as data (that is `design`), any business rule, any statement of SQL, and any
//! knowledge of how a process is started (that is `lab`).
//!
//! Read in this order: `process_config`, `host`, `backings`, `events`, `process`, `starting`, `health`, `watch`, `callees`, `fault_injection`, `serve`,
//! `connection`, `socket`, `unread`, `sampling`, `live`, `ingress`, `head`, `server_metrics`, `edge`, `telemetry`, `own_metrics`,
//! `own_grpc`.

mod backings;
mod callees;
mod connection;
mod counted;
pub mod edge;
mod events;
mod fault_injection;
mod head;
mod health;
mod host;
mod ingress;
pub mod live;
mod own_grpc;
mod own_metrics;
mod process;
mod process_config;
mod sampling;
mod serve;
mod server_metrics;
mod socket;
mod starting;
mod telemetry;
mod unread;
mod watch;

pub use backings::Backings;
pub use fault_injection::InjectedErrors;
pub use head::FIELDS_BYTES;
pub use host::Host;
pub use ingress::{Admission, Ingress, Priorities, RoutePriority};
pub use process::{Service, Wire, host};
pub use process_config::{ProcessConfigError, read_process_config};
pub use sampling::Sampling;
pub use serve::{ServeLimits, serve};
pub use server_metrics::{IngressMetrics, ServerMetrics};
pub use telemetry::log;
