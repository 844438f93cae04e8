//! Arms that are up, and the `process` runtime, in which everything is a child of the lab on this machine.
//!
//! An arm looks the same whatever runs it: a public address, processes with their internal servers, groups to measure,
//! and a way to stop it. [`Runtime`] chooses who does; containers are in [`compose`](crate::compose).
//!
//! A child is `lab host FILE`, started with the processors that all arms share and with its standard input held open:
//! when the lab ends, however it ends, that input ends and the child with it.
//! Nothing is left behind: processes are stopped and the scratch folder removed when a [`Launch`] is stopped or
//! dropped, and what a killed lab left is removed by the next one.
//!
//! Read in this order: `launch` (all arms), `arm` (one), `log` (what it says), `host_files`, `ready`, `child`, `ports`, `scratch`; then
//! `backings` and what it provides, `victim` (doing harm to one), and `keep`, `tether` and `broker`, the bodies of the lab's hidden subcommands.

mod arm;
mod backings;
pub mod broker;
mod child;
mod host_files;
pub mod keep;
mod launch;
mod log;
mod ports;
mod postgres;
pub mod programs;
mod ready;
mod scratch;
pub mod tether;
mod victim;

use std::{net::SocketAddr, path::PathBuf};

use runtime::BackingKind;

use crate::measure::Cgroup;

pub(crate) use arm::Held;
pub use arm::RunningArm;
pub(crate) use backings::Cannot;
pub use backings::{BackingChoices, Lacking, RunningBacking};
pub use backings::{kafka, redis};
pub use child::Ended;
pub(crate) use host_files::without_passwords;
pub use launch::{Death, Launch, LaunchOptions, READY_WITHIN, Runtime};
pub(crate) use launch::{enough, one_arm_a_broker};
pub use log::{Log, LogTail};
pub use postgres::{HOW_TO_GET, Installation};
pub(crate) use ready::wait;
pub(crate) use scratch::write_private;
pub use scratch::{Scratch, free_bytes};
pub(crate) use victim::Victim;

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
    pub log: Log,
    /// The wiring file that it was started with.
    pub host_file: PathBuf,
}

impl RunningProcess {
    /// What it is in its arm.
    pub(crate) fn part(&self) -> Part {
        Part::Service { components: self.components.to_vec(), edge: self.public.is_some() }
    }
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
    /// Whose time and memory count.
    pub scope: Scope,
}

/// Whose time and memory count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One process.
    Process(u32),
    /// A process and its descendants: a Postgres server works in children.
    Family(u32),
    /// Everything in a container.
    Container(Cgroup),
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
