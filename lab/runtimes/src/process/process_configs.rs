//! The process configurations of an arm's processes.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use design::ProcessConfig;
use scenario::plan::{ArmPlan, ProcessPlan};

use super::{backings::OwnBacking, ports, start::Start};
use crate::{scratch::write_private, traces::Receiver};

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

/// Writes the process configuration of each process; returns their paths in the plan's order.
pub(super) fn write(
    start: &Start<'_>,
    addressed: &Addressed,
    folder: &Path,
    backings: &[OwnBacking],
    receiver: Option<&Receiver>,
) -> Result<Vec<PathBuf>> {
    start
        .arm
        .processes
        .iter()
        .map(|process| {
            let scratch = folder.join(&process.name);
            std::fs::create_dir_all(&scratch)
                .with_context(|| format!("cannot make the folder `{}`", scratch.display()))?;
            let file = ProcessConfig {
                system: start.arm.wiring.system().name.to_owned(),
                process: process.shape.to_owned(),
                public: process.edge.then_some(addressed.public),
                public_urls: if process.edge { start.options.public_urls.to_vec() } else { Vec::new() },
                internal: addressed.internal(&process.name),
                cpus: start.budget.arms.clone(),
                traces: receiver.map(Receiver::url),
                scratch,
                axes: start
                    .arm
                    .wiring
                    .values()
                    .map(|(axis, value)| (axis.to_owned(), value.to_owned()))
                    .collect(),
                peers: peers(start.arm, process, addressed),
                backings: addresses(process, backings),
                limits: start.options.limits,
            };
            let path = folder.join(format!("{}.toml", process.name));
            write_private(&path, &file.to_toml())
                .with_context(|| format!("cannot write `{}`", path.display()))?;
            Ok(path)
        })
        .collect()
}

/// For each component of another process, the addresses of all replicas of that process.
fn peers(arm: &ArmPlan, process: &ProcessPlan, addressed: &Addressed) -> BTreeMap<String, Vec<String>> {
    process
        .remote
        .iter()
        .map(|component| {
            let replicas =
                arm.hosts_of(component).map(|replica| addressed.internal(&replica.name).to_string());
            ((*component).to_owned(), replicas.collect())
        })
        .collect()
}

/// The addresses of a process's backings.
fn addresses(process: &ProcessPlan, backings: &[OwnBacking]) -> BTreeMap<String, String> {
    backings
        .iter()
        .flat_map(|backing| &backing.addresses)
        .filter(|(role, _)| process.roles.contains(role))
        .cloned()
        .collect()
}
