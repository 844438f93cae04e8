//! Starting an arm in containers: its network, the proxy on its links, its stores and brokers, its processes.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use anyhow::{Context, Result};
use design::{BackingKind, axes::Tracing};
use proxy::Limits;
use scenario::{
    CLIENT,
    plan::{ArmEnd, ArmLink, ArmPlan, Budget, ProcessPlan},
};

use super::{
    backing,
    engine::Engine,
    network::Network,
    project::{INTERNAL_PORT, PUBLIC_PORT, Project, Role, Setting, service, services},
    up::Up,
};
use crate::{
    arm::{LaunchOptions, PublicPart, RunningArm, RunningBacking, RunningProcess, StartError, wait},
    process::{
        links::{Ends, ProxiedLinks, RunningProxy, users_port},
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
    let links = ProxiedLinks::new(arm, options.proxied, |link| ends(arm, link, &wiring, &network, options))?;
    // Before the processes, which reach their stores through it.
    up.proxy = proxy(&links, arm, budget, options, &folder)?;
    let users = |process: &ProcessPlan| links.listen(CLIENT, &process.name);
    let published = published(arm, options, |process| users(process).is_some())?;
    let setting = Setting {
        image: &engine.image,
        wiring: &wiring,
        folder: String::new(),
        ports: reached(arm, &published, users),
        public_urls: options.public_urls,
        traces: receiver.as_ref().map(Receiver::url),
        cpus: &budget.arms,
        links: &links,
        faults_from: Some(network.gateway.into()),
        balanced: false,
    };
    let project = Project::new(arm, &setting);
    up.write(&project, &folder, &budget.arms, &network, &published)?;
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
    let parts = parts(arm, &processes, &published, users);
    Ok(RunningArm {
        name: arm.name.clone(),
        label: arm.label.clone(),
        public: parts.first().context("a wiring has a process with a public API")?.address,
        parts,
        processes,
        backings: used(arm, &engine.image),
        receiver,
        runtime: Box::new(up),
    })
}

/// The ports of this machine at which the engine publishes the public API, by the places of its processes.
///
/// A link that leads through the proxy is reached there only.
fn published(
    arm: &ArmPlan,
    options: &LaunchOptions<'_>,
    is_proxied: impl Fn(&ProcessPlan) -> bool,
) -> Result<BTreeMap<usize, u16>> {
    let Some(first) = options.port else { return Ok(BTreeMap::new()) };
    let places = arm.public().enumerate().filter(|(_, process)| !is_proxied(process));
    places.map(|(place, _)| Ok((place, ports::of_public(first, place)?.port()))).collect()
}

/// The ports of this machine at which users reach processes, by the names of these.
fn reached(
    arm: &ArmPlan,
    published: &BTreeMap<usize, u16>,
    users: impl Fn(&ProcessPlan) -> Option<SocketAddr>,
) -> BTreeMap<String, u16> {
    let port = |(place, process): (usize, &ProcessPlan)| {
        let port = users(process).map(|users| users.port()).or(published.get(&place).copied())?;
        Some((process.name.clone(), port))
    };
    arm.public().enumerate().filter_map(port).collect()
}

/// Where users reach the public API: the proxy if their link leads through it, or else the container.
fn parts(
    arm: &ArmPlan,
    processes: &[RunningProcess],
    published: &BTreeMap<usize, u16>,
    users: impl Fn(&ProcessPlan) -> Option<SocketAddr>,
) -> Vec<PublicPart> {
    let part = |(place, plan): (usize, &ProcessPlan)| {
        let container = processes.iter().find(|process| process.name == plan.name)?.public?;
        let published = published.get(&place).map(|port| SocketAddr::from(([127, 0, 0, 1], *port)));
        Some(PublicPart { published, ..PublicPart::of(plan, users(plan).unwrap_or(container)) })
    };
    arm.public().enumerate().filter_map(part).collect()
}

/// The ends of a link that leads through the proxy: containers find it at the gateway, and users, who are on this machine,
/// on loopback.
fn ends(
    arm: &ArmPlan,
    link: &ArmLink<'_>,
    wiring: &str,
    network: &Network,
    options: &LaunchOptions<'_>,
) -> Result<Ends> {
    let listen = match link.from {
        None => users_port(arm, link, options.port)?,
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
