//! The process configuration of each process.

use std::net::{Ipv4Addr, SocketAddr};

use design::{Limits, ProcessConfig};
use scenario::plan::ProcessPlan;

use super::{Export, INTERNAL_PORT, PUBLIC_PORT, stores};

/// The lame-duck time in milliseconds: enough for every client with a kept connection to send a request and
/// be told to close it.
const LAME_DUCK_MS: u64 = 3_000;

/// The limits of every process.
pub(super) fn limits() -> Limits {
    Limits { lame_duck_ms: LAME_DUCK_MS, ..Limits::default() }
}

/// The process configuration of a process, which all its pods share.
pub(super) fn text(export: &Export<'_>, process: &ProcessPlan) -> String {
    let anywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let peers = process.remote.iter().filter_map(|component| {
        // One name for all its pods: the cluster balances.
        let host = export.arm.hosts_of(component).next()?;
        Some(((*component).to_owned(), vec![format!("{}:{INTERNAL_PORT}", export.name(host.shape))]))
    });
    let used = export.arm.backings.iter().filter(|need| process.roles.contains(&need.role));
    let file = ProcessConfig {
        system: export.system().to_owned(),
        process: process.shape.to_owned(),
        public: process.edge.then(|| anywhere(PUBLIC_PORT)),
        public_urls: if process.edge { export.public_urls.to_vec() } else { Vec::new() },
        internal: anywhere(INTERNAL_PORT),
        cpus: Vec::new(),
        traces: None,
        faults_from: None,
        scratch: "/tmp".into(),
        axes: export.arm.wiring.values().map(|(axis, value)| (axis.to_owned(), value.to_owned())).collect(),
        peers: peers.collect(),
        backings: used
            .map(|need| (need.role.clone(), stores::address(export, process, need.kind, &need.role)))
            .collect(),
        limits: export.arm.wiring.limits(process.shape, limits()),
    };
    format!("# Read by `lab host`. Written by `{}`.\n{}", export.command, file.to_toml())
}
