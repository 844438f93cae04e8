//! The processes of an arm and their calls.

use serde::{Deserialize, Serialize};

/// The processes of an arm, their calls, and their stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// Processes, one that serves the public API first.
    pub processes: Vec<Process>,
    /// Calls from one process to another.
    pub links: Vec<Link>,
    /// Stores and brokers.
    pub backings: Vec<Backing>,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Unique in the arm.
    pub name: String,
    /// Whether it serves the public API.
    pub edge: bool,
    /// The components that it hosts.
    pub components: Vec<String>,
    /// The URL on which it listened.
    pub url: Option<String>,
}

/// Calls from one process to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The calling process.
    pub from: String,
    /// The called process.
    pub to: String,
    /// The transport: `http`.
    pub label: String,
}

/// A store or broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backing {
    /// Unique in the arm.
    pub name: String,
    /// Its kind: `sqlite`, `postgres`, `redis`, `kafka`, `provider`.
    pub kind: String,
    /// Its origin: `embedded`, `native`, `compose`, `url`.
    pub provider: String,
    /// The processes that use it.
    pub used_by: Vec<String>,
}
