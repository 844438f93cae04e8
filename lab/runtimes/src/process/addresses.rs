//! The addresses of an arm's processes.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Result;
use scenario::plan::ArmPlan;

use super::ports;

/// An arm's addresses.
pub(super) struct Addressed {
    /// Of the public API.
    pub(super) public: SocketAddr,
    internal: BTreeMap<String, SocketAddr>,
}

impl Addressed {
    /// Chooses a port for the public API, unless one is requested, and one for each process's internal
    /// server.
    pub(super) fn new(arm: &ArmPlan, wanted: Option<u16>) -> Result<Self> {
        Ok(Self {
            public: wanted.map_or_else(ports::free, ports::wanted)?,
            internal: arm
                .processes
                .iter()
                .map(|process| Ok((process.name.clone(), ports::free()?)))
                .collect::<Result<_>>()?,
        })
    }

    /// The address of a process's internal server.
    pub(super) fn internal(&self, process: &str) -> SocketAddr {
        self.internal[process]
    }
}
