//! Process groups, whose CPU and memory are measured.

use design::BackingKind;

use super::{TrackedCgroup, TrackedProcess};

/// A process group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The process's or the backing's name: `gateway`, `postgres`.
    pub name: String,
    /// Its role.
    pub part: Part,
    /// The processes to measure.
    pub scope: Scope,
}

/// The processes to measure.
#[derive(Clone, Debug)]
pub enum Scope {
    /// One process.
    Process(TrackedProcess),
    /// A process and its descendants: a PostgreSQL server works in child processes.
    Family(TrackedProcess),
    /// Everything in a container.
    Container(TrackedCgroup),
}

/// The role of a process group in its arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A service process with its components, and whether it hosts the edge.
    Service {
        /// The components.
        components: Vec<&'static str>,
        /// Whether it serves the public API.
        edge: bool,
    },
    /// A store or broker of the arm's own.
    Backing(BackingKind),
    /// The proxy on the arm's links.
    Proxy,
}
