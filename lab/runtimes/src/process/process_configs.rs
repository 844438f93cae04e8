//! The process configurations of an arm's processes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use design::{BackingKind, ProcessConfig, PublicUrl};
use scenario::{
    CLIENT,
    plan::{ArmPlan, ProcessPlan},
};

use super::{
    addresses::Addressed,
    backings::OwnBacking,
    links::{self, ProxiedLinks},
    start::Start,
};
use crate::{provider, scratch::write_private, traces::Receiver};

/// Writes the process configuration of each process; returns their paths in the plan's order.
pub(super) fn write(
    start: &Start<'_>,
    addressed: &Addressed,
    links: &ProxiedLinks,
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
                public: addressed.public(&process.name),
                public_urls: public_urls(start, process, links)?,
                internal: addressed.internal(&process.name),
                cpus: start.budget.arms.clone(),
                traces: receiver.map(Receiver::url),
                faults_from: None,
                scratch,
                axes: start
                    .arm
                    .wiring
                    .values()
                    .map(|(axis, value)| (axis.to_owned(), value.to_owned()))
                    .collect(),
                peers: peers(start.arm, process, addressed, links),
                backings: addresses(start.arm, process, addressed, backings, links)?,
                limits: start.arm.wiring.limits(process.shape, start.options.limits),
            };
            let path = folder.join(format!("{}.toml", process.name));
            write_private(&path, &file.to_toml())
                .with_context(|| format!("cannot write `{}`", path.display()))?;
            Ok(path)
        })
        .collect()
}

/// The URLs of the public API beside its own address: the given ones, and the proxy's on the users' link.
fn public_urls(start: &Start<'_>, process: &ProcessPlan, links: &ProxiedLinks) -> Result<Vec<PublicUrl>> {
    if !process.edge {
        return Ok(Vec::new());
    }
    let proxied = links.listen(CLIENT, &process.name);
    let proxied = proxied.map(|address| format!("http://{address}").parse()).transpose()?;
    Ok(start.options.public_urls.iter().cloned().chain(proxied).collect())
}

/// For each component of another process, the addresses of all replicas of that process.
fn peers(
    arm: &ArmPlan,
    process: &ProcessPlan,
    addressed: &Addressed,
    links: &ProxiedLinks,
) -> BTreeMap<String, Vec<String>> {
    let address = |replica: &ProcessPlan| {
        let proxied = links.listen(&process.name, &replica.name);
        proxied.unwrap_or_else(|| addressed.internal(&replica.name)).to_string()
    };
    let replicas = |component: &&'static str| arm.hosts_of(component).map(address).collect();
    process.remote.iter().map(|component| ((*component).to_owned(), replicas(component))).collect()
}

/// The addresses of a process's backings.
fn addresses(
    arm: &ArmPlan,
    process: &ProcessPlan,
    servers: &Addressed,
    backings: &[OwnBacking],
    links: &ProxiedLinks,
) -> Result<BTreeMap<String, String>> {
    let mut addresses = BTreeMap::new();
    for backing in backings {
        let proxied = links.listen(&process.name, backing.kind.name());
        for (role, address) in backing.addresses.iter().filter(|(role, _)| process.roles.contains(role)) {
            let address = match proxied {
                Some(listen) => links::by_way_of(address, listen)?,
                None => address.clone(),
            };
            // A provider calls the public API itself, and not by way of the proxy on the users' link.
            let webhooks = servers.public(&arm.webhooks_of(process).name);
            let address = match (backing.kind, webhooks) {
                (BackingKind::Provider, Some(webhooks)) => provider::with_edge(&address, &webhooks),
                _ => address,
            };
            addresses.insert(role.clone(), address);
        }
    }
    Ok(addresses)
}
