//! Whose CPU and memory a figure covers.

use runtime::BackingKind;

use super::Cgroup;

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
