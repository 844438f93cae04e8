//! A service process: what it hosts, how it is reached, and how it ends.
//!
//! A system (`shortener_app::SYSTEM`) says what it is made of; a [`Wiring`] chooses a value for each of its axes;
//! a [`HostFile`] tells one process its part; and a [`Host`] puts that part together and serves it.
//! Nothing outside this crate knows whether a component is local or remote.
//!
//! Not here: any business rule, any statement of SQL, and any knowledge of how a process is started (that is `lab`).
//!
//! Read in this order: `system`, `axes`, `wiring`, `host_file`, `host`, `backings`, `events`, `process`, `starting`,
//! `health`, `watch`, `serve`, `connection`, `socket`, `unread`, `live`, `ingress`, `head`, `server_metrics`, `edge`,
//! `telemetry`, `own_metrics`, `own_grpc`.

pub mod axes;
mod backings;
mod connection;
mod counted;
pub mod edge;
mod events;
mod head;
mod health;
mod host;
mod host_file;
mod ingress;
pub mod live;
mod nearest;
mod own_grpc;
mod own_metrics;
mod process;
mod serve;
mod server_metrics;
mod socket;
mod starting;
mod system;
mod telemetry;
mod unread;
mod watch;
mod wiring;

pub use backings::Backings;
pub use head::FIELDS_BYTES;
pub use host::Host;
pub use host_file::{HostFile, HostFileError, Limits, PublicUrl, PublicUrlError};
pub use ingress::{Ingress, Sampling};
pub use nearest::nearest;
pub use process::{Service, Wire, host};
pub use serve::{ServeLimits, serve};
pub use server_metrics::{IngressMetrics, ServerMetrics};
pub use system::{
    Accepts, Arrivals, Axis, BackingKind, BackingNeed, ConsumerGroup, Copies, Cost, EDGE, Placement,
    ProcessShape, Rehearse, System, TopicShape, Value,
};
pub use wiring::{Wiring, WiringError};
