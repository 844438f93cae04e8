//! The `process` runtime: every arm of a plan as children of the lab on this machine.
//!
//! A child is `lab host FILE`, started with the processors that all arms share and with its standard input held open:
//! when the lab ends, however it ends, that input ends and the child with it.
//! Nothing is left behind: processes are stopped and the scratch folder removed when a [`Launch`] is stopped or
//! dropped, and what a killed lab left is removed by the next one.
//!
//! Read in this order: `launch` (all arms), `arm` (one), `host_files`, `ready`, `child`, `ports`, `scratch`; then
//! `backings` and what it provides, and `keep` and `broker`, the bodies of the lab's hidden subcommands.

mod arm;
mod backings;
pub mod broker;
mod child;
mod host_files;
pub mod keep;
mod launch;
mod ports;
mod postgres;
mod ready;
mod scratch;

use std::{net::SocketAddr, path::PathBuf};

use runtime::BackingKind;

pub use arm::RunningArm;
pub use backings::{BackingChoices, RunningBacking};
pub use child::{Ended, LogTail};
pub use launch::{Death, Launch, LaunchOptions, READY_WITHIN};
pub use postgres::{HOW_TO_GET, Installation};
pub use scratch::{Scratch, free_bytes};

/// A service process that is up.
#[derive(Clone, Debug)]
pub struct RunningProcess {
    /// Unique in the arm: `gateway`, or `links-2` for the second of several copies.
    pub name: String,
    /// The components that it hosts.
    pub components: &'static [&'static str],
    /// Its process id.
    pub pid: u32,
    /// Where it serves health and metrics.
    pub internal: SocketAddr,
    /// Where it serves the public API, if it hosts the edge.
    pub public: Option<SocketAddr>,
    /// What it writes on its standard output and error.
    pub log: PathBuf,
    /// The wiring file that it was started with.
    pub host_file: PathBuf,
}

/// An arm that could not be started, while others go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The arm's name.
    pub arm: String,
    /// What is missing.
    pub why: String,
    /// How to get it.
    pub hint: String,
}

/// Whose processes a CPU or memory figure covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The process's or the backing's name: `gateway`, `postgres`.
    pub name: String,
    /// What it is.
    pub part: Part,
    /// The process whose time counts.
    pub pid: u32,
    /// Whether its descendants count as well: a Postgres server works in children.
    pub with_children: bool,
}

/// What a group of processes is in its arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A service process and the components that it hosts; whether it hosts the edge.
    Service {
        /// The components.
        components: Vec<&'static str>,
        /// Whether it serves the public API.
        edge: bool,
    },
    /// A store or broker of the arm's own.
    Backing(BackingKind),
}
