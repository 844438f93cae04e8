//! The component `delivery`: the connections of this process, and what each of them still lacks.
//!
//! | file | what it is |
//! |---|---|
//! | `frames` | what a socket says and takes, as JSON |
//! | `connection` | one connection, as a feed sees it |
//! | `hub` | the feeds of all rooms that this process has connections in |
//! | `catch_up` | reads from the log what a feed lacks |
//! | `opening` | what a client that comes, or comes back, gets |
//! | `presence_reports` | tells `presence` who is connected here |
//! | `metrics` | what is counted |
//!
//! Whether and when a record is sent to whom is decided by [`chat::Feed`]; this module has the I/O around it.

pub mod frames;

mod catch_up;
mod connection;
mod hub;
mod metrics;
mod opening;
mod presence_reports;

pub use connection::{Connection, Pass};
pub use hub::Hub;
pub use metrics::DeliveryMetrics;
pub use opening::{Opening, Refused};
pub use presence_reports::PresenceReports;
