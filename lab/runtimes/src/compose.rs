//! The `compose` runtime: every arm of a plan as a compose project of its own, and the same projects written down.
//!
//! ```text
//! ArmPlan -> Project (services as data) -> text -> `docker compose up`, watched, measured and removed by the lab
//!                                               -> deploy/compose/<system>/<wiring>.yml, for people
//! ```
//!
//! One compiler serves both, so that what people start by hand is what a run measures. They differ in what a run
//! needs: pinned processors, labels by which a later lab finds what a killed one left, and health that is asked by the
//! lab instead of by the engine, whose checks would cost CPU while it is measured.
//!
//! Read in this order: `project` (from plan to services), `backing` (stores and brokers), `text` (services as YAML),
//! `export` (files for people), `docker` (the command line of the engine), `engine` (what it offers), `up` (a project
//! that runs) and its `container`s, `stale` (what killed labs left).

mod backing;
mod container;
mod docker;
mod engine;
mod export;
mod project;
mod stale;
mod text;
mod up;

pub use engine::{Engine, IMAGE};
pub use export::Export;
pub(crate) use stale::remove_own;
pub(crate) use up::start;
