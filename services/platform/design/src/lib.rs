//! The data of a system: what it is made of, how it can be built, and what each of its processes is told.
//!
//! A [`System`] (`shortener_app::SYSTEM`) lists components, placements and axes; a [`Wiring`] chooses a value for each
//! axis; a [`ProcessConfig`] is the configuration of one process of a wiring.
//! The lab plans, draws and exports a system from these alone; `runtime` hosts a process from them.
//!
//! Not here: anything that reads a file, opens a socket or asks a clock, and whatever a value of an axis is built from.
//!
//! Read in this order: `system` (with `system/wiring` and `system/paths`), `axis` (the macro), `axes` (those of the platform), `backings`, `process_config`,
//! `nearest`.

pub mod axes;
mod axis;
mod backings;
mod nearest;
mod process_config;
mod system;

pub use axis::{Axis, Choice, Value};
pub use backings::{BackingKind, BackingNeed};
pub use nearest::nearest;
pub use process_config::{
    BACKGROUND_WITHIN, EXIT_WITHIN, FLUSH_WITHIN, Limits, ProcessConfig, PublicUrl, PublicUrlError,
};
pub use system::{
    Arrivals, Backing, ConsumerGroup, Cost, DrillWiring, EDGE, NoRules, PathOwner, Placement, ProcessShape,
    ReplicaCount, Rules, SagaStep, System, TopicShape, Wiring, WiringError,
};
