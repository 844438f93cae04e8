//! The `compose` runtime: every arm of a plan as a compose project, started or exported.
//!
//! ```text
//! ArmPlan -> Project (services as data) -> text -> `docker compose up`, watched, measured and removed by the
//! lab
//!                                               -> deploy/compose/<system>/<wiring>.yml, for people
//! ```
//!
//! One compiler serves both, so that exported projects are what a run measures. A run adds three things:
//! pinned processors; labels by which a later lab finds what a killed one left; and health checks by the lab
//! instead of the engine, whose checks would cost CPU during the measurement.
//!
//! The proxy on links is not part of a project: as for processes, it is a child of the lab
//! (`process::links`), at the network's gateway.
//!
//! Read in this order: `project` (from plan to services), `backing` (stores and brokers), `balancer`, `text` (services as
//! YAML), `export` (files for people), `docker` (the engine's command line), `engine` (its capabilities), `network`,
//! `start` (starting an arm), `up` (its project) and its `container`s, `victim` (what faults are done to), `stale` (remains
//! of killed labs).

mod backing;
mod balancer;
mod container;
mod docker;
mod engine;
mod export;
mod network;
mod project;
mod stale;
mod start;
mod text;
mod up;
mod victim;

pub use engine::{Engine, IMAGE};
pub use export::{Export, published_ports};
pub(crate) use stale::remove_own;
pub(crate) use start::start;
