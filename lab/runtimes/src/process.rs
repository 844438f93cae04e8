//! The `process` runtime: every process of an arm is a child of the lab on this machine.
//!
//! A child is `lab host FILE`, pinned to the processors that all arms share, with its standard input held
//! open: when the lab ends, however it ends, that input ends and the child with it.
//! Nothing is left behind: processes are stopped when their arm is stopped or dropped, and the next lab
//! removes what a killed one left.
//!
//! Read in this order: `start` (starting one arm) and `children` (the running arm), `process_configs`, `addresses`, `links`
//! (which lead through the proxy, on any runtime), `child`, `ports`; then `backings`, `faults` and `victim` (what they are done to), and
//! [`keep`], [`tether`], [`broker`], [`proxy`](mod@proxy) and [`provider`], the bodies of the lab's hidden subcommands.

mod addresses;
mod backings;
pub mod broker;
pub(crate) mod child;
mod children;
pub(crate) mod faults;
pub mod keep;
pub(crate) mod links;
pub(crate) mod ports;
mod process_configs;
mod programs;
pub mod provider;
pub mod proxy;
mod start;
pub mod tether;
mod victim;

pub use backings::{kafka, postgres, redis};
pub use faults::Freeze;
use scenario::plan::{ArmPlan, Budget};
pub use victim::Processes;

use crate::arm::{LaunchOptions, RunningArm, StartError};

/// Starts an arm as children of the lab; returns when all of it is ready.
pub(crate) fn start(
    arm: &ArmPlan,
    budget: &Budget,
    options: &LaunchOptions<'_>,
) -> Result<RunningArm, StartError> {
    start::Start { arm, budget, options }.run()
}
