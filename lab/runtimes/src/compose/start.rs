//! Starting an arm in containers: its network, the proxy on its links, its stores and brokers, its processes.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
};

use anyhow::{Context, Result};
use design::{BackingKind, axes::Tracing};
use proxy::Limits;
use scenario::{
    CLIENT,
    plan::{ArmEnd, ArmLink, ArmPlan, Budget},
};

use super::{
    backing,
    engine::Engine,
    network::Network,
    project::{INTERNAL_PORT, PUBLIC_PORT, Project, Role, Setting, public_urls, service, services},
    up::Up,
};
use crate::{
    arm::{LaunchOptions, RunningArm, RunningBacking, StartError, wait},
    process::{
        links::{Ends, ProxiedLinks, RunningProxy},
        ports,
    },
    traces::Receiver,
};

/// The time limit for a container to accept a connection of the proxy's.
///
/// Over a bridge it takes microseconds. The address of a killed container answers nothing at all, so a connection that was
/// tried meanwhile would be tried again seconds after the container is back: the caller's own next attempt is sooner.
const CONNECT_WITHIN_MS: u64 = 250;

/// Starts an arm in containers; returns when all of it is ready.
pub(crate) fn start(
    engine: &Engine,
    arm: &ArmPlan,
    budget: &Budget,
    options: &LaunchOptions<'_>,
) -> Result<RunningArm, StartError> {
    engine.has_images(arm)?;
    let folder = options.scratch.folder(format!("launch-{}/{}", options.number, arm.name))?;
    let mut up = Up::new(arm, &folder);
    let wiring = prefix(&arm.name);
    let network = up.network(services(arm, &wiring))?;
    let receiver = receiver(arm, options, network.gateway.into(), budget)?;
    let links = ProxiedLinks::new(arm, options.proxied, |link| ends(link, &wiring, &network, options))?;
    // Before the processes, which reach their stores through it.
    up.proxy = proxy(&links, arm, budget, options, &folder)?;
    let users = links.listen(CLIENT, &arm.edge().name);
    // A link that leads through the proxy is reached there only.
    let published = options.port.filter(|_| users.is_none());
    let setting = Setting {
        image: &engine.image,
        wiring: &wiring,
        folder: String::new(),
        public_urls: public_urls(users.map_or(published, |users| Some(users.port())), options.public_urls),
        traces: receiver.as_ref().map(Receiver::url),
        cpus: &budget.arms,
        links: &links,
        faults_from: Some(network.gateway.into()),
    };
    let project = Project::new(arm, &setting);
    up.write(&project, &folder, &budget.arms, &network, published)?;
    let (backings, processes): (Vec<_>, Vec<_>) =
        project.services.iter().partition(|service| matches!(service.role, Role::Backing(..)));
    up.bring(&backings, &wiring)?;
    for service in &backings {
        up.becomes_well(service, options)?;
    }
    up.pin(&budget.arms)?;
    up.bring(&processes, &wiring)?;
    let processes = up.processes(arm, &folder)?;
    // Twice the limit for the lab's children, because the engine has to start the containers.
    let within = options.ready_within * 2;
    if let Err(why) = wait(&processes, || up.first_ended(), options.interrupt, within) {
        return Err(why.told(&arm.label, within).into());
    }
    up.measure(&processes, &backings)?;
    let edge = processes
        .iter()
        .find_map(|process| process.public)
        .context("a placement has one process with the edge")?;
    Ok(RunningArm {
        name: arm.name.clone(),
        label: arm.label.clone(),
        public: users.unwrap_or(edge),
        published: published.map(|port| SocketAddr::from(([127, 0, 0, 1], port))),
        processes,
        backings: used(arm, &engine.image),
        receiver,
        runtime: Box::new(up),
    })
}

/// The ends of a link that leads through the proxy: containers find it at the gateway, and users, who are on this machine,
/// on loopback.
fn ends(link: &ArmLink<'_>, wiring: &str, network: &Network, options: &LaunchOptions<'_>) -> Result<Ends> {
    let listen = match link.from {
        None => options.port.map_or_else(ports::free, ports::wanted)?,
        Some(_) => SocketAddr::new(network.gateway.into(), ports::free()?.port()),
    };
    let (name, port) = match link.to {
        ArmEnd::Process(process) if link.from.is_none() => (process.name.as_str(), PUBLIC_PORT),
        ArmEnd::Process(process) => (process.name.as_str(), INTERNAL_PORT),
        ArmEnd::Backing(need) => (need.kind.name(), backing::port(need.kind)),
    };
    let address = network.address(&service(wiring, name)).context("a service has an address")?;
    Ok(Ends { listen, upstream: SocketAddr::new(address.into(), port) })
}

/// Starts the proxy, if a link leads through it.
fn proxy(
    links: &ProxiedLinks,
    arm: &ArmPlan,
    budget: &Budget,
    options: &LaunchOptions<'_>,
    folder: &Path,
) -> Result<Option<RunningProxy>> {
    let limits = Limits { connect_within_ms: CONNECT_WITHIN_MS, ..Limits::default() };
    let started = links.start(options, limits, &budget.arms, folder);
    started.map_err(|why| why.told(&arm.label, options.ready_within))
}

/// The lab's span receiver, at the address by which the project's containers reach this machine.
fn receiver(
    arm: &ArmPlan,
    options: &LaunchOptions<'_>,
    gateway: IpAddr,
    budget: &Budget,
) -> Result<Option<Receiver>> {
    let traces = options.traces && !arm.wiring.is(Tracing::Off);
    traces.then(|| Receiver::start_at(gateway, &budget.arms)).transpose().context("cannot receive traces")
}

/// The prefix of host names from an arm's name: without dots, and with at most 63 characters in all.
fn prefix(arm: &str) -> String {
    let text: String = arm.chars().map(|c| if c == '.' { '-' } else { c }).take(30).collect();
    text.trim_matches('-').to_owned()
}

/// The origin of the arm's stores and brokers.
fn used(arm: &ArmPlan, image: &str) -> Vec<RunningBacking> {
    let mut kinds: Vec<BackingKind> = arm.backings.iter().map(|need| need.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let provider = |kind| match kind {
        BackingKind::Sqlite => "embedded".to_owned(),
        kind => format!("compose {}", backing::image(kind, image)),
    };
    let backing = |kind| RunningBacking { kind, provider: provider(kind), caveat: None, log: None };
    kinds.into_iter().map(backing).collect()
}
