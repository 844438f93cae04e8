//! The addresses of an arm's processes.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Result;
use scenario::plan::{ArmPlan, ProcessPlan};

use super::ports;

/// An arm's addresses.
pub(super) struct Addressed {
    public: BTreeMap<String, SocketAddr>,
    internal: BTreeMap<String, SocketAddr>,
}

impl Addressed {
    /// Chooses a port for each process with a public API, from the requested one on if one is wanted of it, and one for
    /// each process's internal server.
    pub(super) fn new(arm: &ArmPlan, wanted: impl Fn(&ProcessPlan) -> Option<u16>) -> Result<Self> {
        let public = arm.public().enumerate().map(|(nth, process)| {
            let address = wanted(process).map_or_else(ports::free, |first| ports::of_public(first, nth))?;
            Ok((process.name.clone(), address))
        });
        let internal = arm.processes.iter().map(|process| Ok((process.name.clone(), ports::free()?)));
        Ok(Self { public: public.collect::<Result<_>>()?, internal: internal.collect::<Result<_>>()? })
    }

    /// The address of a process's public API, if it serves any.
    pub(super) fn public(&self, process: &str) -> Option<SocketAddr> {
        self.public.get(process).copied()
    }

    /// The address of a process's internal server.
    pub(super) fn internal(&self, process: &str) -> SocketAddr {
        self.internal[process]
    }
}
