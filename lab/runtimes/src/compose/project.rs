//! From an arm's plan to a compose project: its services as data, and the files that they mount.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use design::{BackingKind, Limits, ProcessConfig, PublicUrl};
use scenario::plan::{ArmPlan, ProcessPlan};
use serde::Serialize;

use super::{backing, balancer};
use crate::{process::links::ProxiedLinks, provider};

/// The port of the public API, in a container.
pub(super) const PUBLIC_PORT: u16 = 8080;

/// The port for other processes, health and metrics.
pub(super) const INTERNAL_PORT: u16 = 9000;

/// The path of the process configuration.
const HOST_FILE: &str = "/etc/lab/host.toml";

/// The home of the image's user: a volume there belongs to that user.
pub(super) const HOME: &str = "/var/lib/lab";

/// The lame-duck time of a stopping process, in milliseconds.
const LAME_DUCK_MS: u64 = 1_000;

/// The limits of every process.
pub(super) fn limits() -> Limits {
    Limits { lame_duck_ms: LAME_DUCK_MS, ..Limits::default() }
}

/// A wiring as a compose project.
pub(super) struct Project {
    /// The program of every service process; only their process configurations differ.
    pub(super) process: Program,
    /// Services in dependency order: stores and brokers first.
    pub(super) services: Vec<Service>,
    /// The named volumes, the only data that outlives a container.
    pub(super) volumes: Vec<String>,
    /// The files that services mount: path below the project's folder, and text.
    pub(super) files: Vec<(String, String)>,
}

/// One service of a project.
pub(super) struct Service {
    /// `<wiring>-<process>` or `<wiring>-<kind>`: its host name in the network.
    pub(super) name: String,
    /// Its description, one or two sentences.
    pub(super) about: String,
    pub(super) role: Role,
    /// `source:target` or `source:target:ro`.
    pub(super) volumes: Vec<String>,
    /// The services that must be healthy before it starts.
    pub(super) after: Vec<String>,
}

/// The program of a container, and its limits.
#[derive(Serialize)]
pub(super) struct Program {
    pub(super) image: String,
    /// Whether that is the lab's own image, which is built and not pulled.
    pub(super) is_own: bool,
    /// `None` for the image's own.
    pub(super) user: Option<&'static str>,
    /// Empty for the image's own.
    pub(super) command: Vec<String>,
    pub(super) environment: Vec<(&'static str, String)>,
    /// Whether only volumes and `tmpfs` are writable.
    pub(super) read_only: bool,
    pub(super) tmpfs: Vec<&'static str>,
    /// The port that opens when it serves.
    pub(super) port: u16,
    /// The command that succeeds when it is healthy.
    pub(super) health: Vec<String>,
    pub(super) memory: &'static str,
}

/// The consecutive ports of an arm's processes that serve the public API, by their names, from the first one's.
pub(super) fn ports(arm: &ArmPlan, first: u16) -> BTreeMap<String, u16> {
    let port = |place: usize| u16::try_from(usize::from(first) + place).ok();
    let places = arm.public().enumerate();
    places.filter_map(|(place, process)| Some((process.name.clone(), port(place)?))).collect()
}

/// The URL of a process's port on loopback, and the API's other public URLs.
fn public_urls(process: &ProcessPlan, setting: &Setting<'_>) -> Vec<PublicUrl> {
    if !process.edge {
        return Vec::new();
    }
    let published = setting.ports.get(&process.name);
    let loopback = published.map(|port| format!("http://127.0.0.1:{port}").parse());
    let loopback = loopback.map(|url| url.expect("an address and a port are a URL"));
    loopback.into_iter().chain(setting.public_urls.iter().cloned()).collect()
}

/// The role of a service in its wiring.
pub(super) enum Role {
    /// A service process, which runs [`Project::process`], and its place among those that serve the public API.
    Process {
        public: Option<usize>,
    },
    Backing(BackingKind, Program),
    /// Stands before the processes with the public API.
    Balancer(Program),
}

/// The settings of a project, beside the plan.
pub(super) struct Setting<'a> {
    /// The image of the service processes.
    pub(super) image: &'a str,
    /// The prefix of its services' names.
    pub(super) wiring: &'a str,
    /// The folder of its files relative to the compose file: `monolith/` or empty.
    pub(super) folder: String,
    /// The ports of this machine at which users reach processes, by the names of these.
    pub(super) ports: BTreeMap<String, u16>,
    /// Further public URLs of the API.
    pub(super) public_urls: &'a [PublicUrl],
    /// The receiver of spans.
    pub(super) traces: Option<String>,
    /// The processors of every service; empty for all.
    pub(super) cpus: &'a [usize],
    /// The links that lead through the lab's proxy.
    pub(super) links: &'a ProxiedLinks,
    /// From where the lab has processes fail their calls.
    pub(super) faults_from: Option<IpAddr>,
    /// Whether a balancer stands before several processes with the whole public API.
    pub(super) balanced: bool,
}

/// The stores and brokers that are services, in the order of their start.
const BACKINGS: [BackingKind; 4] =
    [BackingKind::Postgres, BackingKind::Redis, BackingKind::Kafka, BackingKind::Provider];

/// The name of the service of a process or a backing: `monolith-postgres`.
pub(super) fn service(wiring: &str, name: &str) -> String {
    format!("{wiring}-{name}")
}

/// The names of an arm's services.
pub(super) fn services(arm: &ArmPlan, wiring: &str) -> Vec<String> {
    let used = BACKINGS.into_iter().filter(|kind| !roles(arm, *kind).is_empty());
    let backings = used.map(|kind| backing::name(wiring, kind));
    backings.chain(arm.processes.iter().map(|process| service(wiring, &process.name))).collect()
}

impl Project {
    /// Compiles a plan.
    pub(super) fn new(arm: &ArmPlan, setting: &Setting<'_>) -> Self {
        let mut project = Self {
            process: process(setting.image),
            services: Vec::new(),
            volumes: Vec::new(),
            files: Vec::new(),
        };
        for kind in BACKINGS {
            let roles = roles(arm, kind);
            if !roles.is_empty() {
                backing::add(&mut project, kind, &roles, &arm.wiring, setting);
            }
        }
        if !roles(arm, BackingKind::Sqlite).is_empty() {
            project.volumes.push(sqlite_volume(setting.wiring));
        }
        // A gateway last, because it calls the others.
        for process in arm.processes.iter().rev() {
            project.add(arm, process, setting);
        }
        if setting.balanced && balancer::is_needed(arm) {
            balancer::add(&mut project, arm, setting);
        }
        project
    }

    fn add(&mut self, arm: &ArmPlan, process: &ProcessPlan, setting: &Setting<'_>) {
        let file = format!("{}{}.toml", setting.folder, process.name);
        let mut volumes = vec![format!("./{file}:{HOST_FILE}:ro")];
        let used = |kind: BackingKind| {
            arm.backings.iter().any(|need| need.kind == kind && process.roles.contains(&need.role))
        };
        if used(BackingKind::Sqlite) {
            volumes.push(format!("{}:{HOME}", sqlite_volume(setting.wiring)));
        }
        let stores =
            BACKINGS.into_iter().filter(|kind| used(*kind)).map(|kind| backing::name(setting.wiring, kind));
        // Processes that each serve a part may call one another in a circle.
        let is_gateway = process.edge && process.paths.is_empty();
        let is_published = !(setting.balanced && balancer::is_needed(arm));
        let called = process.calls.iter().filter(|_| is_gateway).flat_map(|component| {
            arm.hosts_of(component).map(|replica| service(setting.wiring, &replica.name))
        });
        self.services.push(Service {
            name: service(setting.wiring, &process.name),
            about: about(process),
            role: Role::Process { public: arm.public_index(&process.name).filter(|_| is_published) },
            volumes,
            after: stores.chain(called).collect(),
        });
        self.files.push((file, process_config(arm, process, setting).to_toml()));
    }
}

fn process(image: &str) -> Program {
    Program {
        image: image.to_owned(),
        is_own: true,
        user: None,
        command: ["host", HOST_FILE].map(str::to_owned).to_vec(),
        environment: Vec::new(),
        read_only: true,
        tmpfs: vec!["/tmp"],
        port: INTERNAL_PORT,
        health: ["lab", "health", HOST_FILE].map(str::to_owned).to_vec(),
        memory: "512m",
    }
}

/// The roles of a kind of backing in an arm.
fn roles(arm: &ArmPlan, kind: BackingKind) -> Vec<String> {
    arm.backings.iter().filter(|need| need.kind == kind).map(|need| need.role.clone()).collect()
}

fn sqlite_volume(wiring: &str) -> String {
    format!("{wiring}-sqlite")
}

/// `Serves the public API and hosts links and clicks.`
fn about(process: &ProcessPlan) -> String {
    let hosts =
        (!process.components.is_empty()).then(|| format!("hosts {}", process.components.join(" and ")));
    let edge = process.serves();
    let text = edge.into_iter().chain(hosts).collect::<Vec<_>>().join(" and ");
    format!("{}{}.", text[..1].to_uppercase(), &text[1..])
}

/// The process configuration of a process.
fn process_config(arm: &ArmPlan, process: &ProcessPlan, setting: &Setting<'_>) -> ProcessConfig {
    let anywhere = |port| SocketAddr::from(([0, 0, 0, 0], port));
    let peers = process.remote.iter().map(|component| {
        let address = |replica: &ProcessPlan| match setting.links.listen(&process.name, &replica.name) {
            Some(proxied) => proxied.to_string(),
            None => format!("{}:{INTERNAL_PORT}", service(setting.wiring, &replica.name)),
        };
        ((*component).to_owned(), arm.hosts_of(component).map(address).collect())
    });
    ProcessConfig {
        system: arm.wiring.system().name.to_owned(),
        process: process.shape.to_owned(),
        public: process.edge.then(|| anywhere(PUBLIC_PORT)),
        public_urls: public_urls(process, setting),
        internal: anywhere(INTERNAL_PORT),
        cpus: setting.cpus.to_vec(),
        traces: setting.traces.clone(),
        faults_from: setting.faults_from,
        scratch: "/tmp".into(),
        axes: arm.wiring.values().map(|(axis, value)| (axis.to_owned(), value.to_owned())).collect(),
        peers: peers.collect(),
        backings: addresses(arm, process, setting),
        limits: arm.wiring.limits(process.shape, limits()),
    }
}

/// The addresses of a process's backings.
fn addresses(arm: &ArmPlan, process: &ProcessPlan, setting: &Setting<'_>) -> BTreeMap<String, String> {
    let used = arm.backings.iter().filter(|need| process.roles.contains(&need.role));
    let edge = format!("{}:{PUBLIC_PORT}", service(setting.wiring, &arm.webhooks_of(process).name));
    used.map(|need| {
        let address = match need.kind {
            BackingKind::Sqlite => format!("sqlite:{HOME}/{}.db", backing::database(&need.role)),
            kind => {
                let proxied = setting.links.listen(&process.name, kind.name());
                let address = backing::address(setting.wiring, kind, &need.role, proxied);
                // A provider calls the public API itself, and not by way of the proxy on the users' link.
                match kind {
                    BackingKind::Provider => provider::with_edge(&address, &edge),
                    _ => address,
                }
            }
        };
        (need.role.clone(), address)
    })
    .collect()
}
