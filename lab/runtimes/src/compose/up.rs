//! A project: brought up, observed, and removed with everything that it created.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use design::BackingKind;
use scenario::{
    Fault, FaultKind,
    diagnostic::Diagnostic,
    plan::{ArmPlan, ProcessPlan},
};

use super::{
    container::{Container, ContainerLog, FORMAT},
    docker::{self, DockerFault, full_disk, last_words, told},
    network::Network,
    project::{INTERNAL_PORT, PUBLIC_PORT, Project, Role, Service},
    stale,
    text::{Purpose, cpu_set, text},
    victim,
};
use crate::{
    arm::{Ended, LaunchOptions, RunningProcess, RunningRuntime, Victim},
    measure::{Group, Part, Scope},
    process::links::{RunningProxy, break_links},
};

/// The time limit for the engine to create and start a project's containers, or to respond while it does so
/// for another arm.
const UP_WITHIN: Duration = Duration::from_mins(1);

/// The time limit for it to stop and remove them: each service's grace period in sequence, and a margin.
pub(super) const DOWN_WITHIN: Duration = Duration::from_mins(1);

/// The time limit for a store or broker to become healthy: an empty PostgreSQL is initialised, a Kafka node
/// formatted.
/// Seconds on an idle machine; on a busy one two JVMs that start at once have taken 45.
const BACKING_WITHIN: Duration = Duration::from_secs(90);

/// The time limit for the proxy to end.
const PROXY_WITHIN: Duration = Duration::from_secs(5);

/// The polling interval.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// The exit code after SIGKILL: 128 + 9.
const KILLED: &str = "137";

/// Numbers the projects of one lab.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// A compose project of this lab. Dropping it removes it.
pub(super) struct Up {
    arm: String,
    plan: ArmPlan,
    /// `lab-PID-NUMBER`: the name of its project and network.
    name: String,
    file: PathBuf,
    containers: Vec<Container>,
    groups: Vec<Group>,
    /// The proxy on its links, a child of the lab.
    pub(super) proxy: Option<RunningProxy>,
    is_gone: bool,
}

impl Up {
    /// A project of this name, before anything exists.
    pub(super) fn new(arm: &ArmPlan, folder: &Path) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            arm: arm.name.clone(),
            plan: arm.clone(),
            name: format!("lab-{}-{number}", std::process::id()),
            file: folder.join("compose.yml"),
            containers: Vec::new(),
            groups: Vec::new(),
            proxy: None,
            is_gone: false,
        }
    }

    /// Creates the project's network first, because the files contain addresses in it.
    pub(super) fn network(&self, services: Vec<String>) -> Result<Network> {
        Network::create(&self.name, services)
    }

    /// Writes the project's files; the processes in these places of the public API are published at ports of this machine.
    pub(super) fn write(
        &self,
        project: &Project,
        folder: &Path,
        cpus: &[usize],
        network: &Network,
        ports: &BTreeMap<usize, u16>,
    ) -> Result<()> {
        let owner = stale::own_name();
        let purpose = Purpose::Run { project: &self.name, owner: &owner, network, cpus, ports };
        let compose = (self.file.clone(), text(project, &purpose));
        let files = project.files.iter().map(|(name, text)| (folder.join(name), text.clone()));
        for (path, text) in files.chain([compose]) {
            // Readable by all, because a container's user is another one; it contains no secrets.
            write(&path, &text).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        Ok(())
    }

    /// Runs `docker compose` on the project.
    fn compose(&self, words: &[&str], limit: Duration) -> Result<(), DockerFault> {
        let file = self.file.to_string_lossy();
        let start = ["compose", "--progress", "quiet", "-p", &self.name, "-f", &file];
        docker::run(&[&start, words].concat(), limit).map(|_| ())
    }

    /// Starts services, and records their containers.
    pub(super) fn bring(&mut self, services: &[&Service], wiring: &str) -> Result<()> {
        if services.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
        let up = ["up", "--detach", "--no-build", "--pull", "never", "--no-recreate", "--no-deps"];
        told(self.compose(&[&up[..], &names].concat(), UP_WITHIN), || {
            format!("cannot start the containers of `{}`", self.arm)
        })?;
        let containers: Vec<String> = names.iter().map(|name| format!("{}-{name}-1", self.name)).collect();
        let asked: Vec<&str> = ["inspect", "--format", FORMAT]
            .into_iter()
            .chain(containers.iter().map(String::as_str))
            .collect();
        let said = told(docker::ask(&asked), || "cannot find the containers".to_owned())?;
        for ((line, container), name) in said.lines().zip(containers).zip(names) {
            let process = name.strip_prefix(wiring).unwrap_or(name).trim_start_matches('-');
            self.containers.push(Container::new(line, process, container, &self.arm)?);
        }
        Ok(())
    }

    /// Waits until a store or broker is healthy: first until its port opens, which is cheap to poll while it
    /// needs the processor, then until its health command succeeds.
    pub(super) fn becomes_well(&mut self, service: &Service, options: &LaunchOptions<'_>) -> Result<()> {
        let Role::Backing(_, program) = &service.role else { return Ok(()) };
        let (container, address) =
            self.container(service).map(|one| (one.name().to_owned(), one.tracked.address))?;
        let address = SocketAddr::new(address, program.port);
        let command: Vec<&str> =
            ["exec", &container].into_iter().chain(program.health.iter().map(String::as_str)).collect();
        let deadline = Instant::now() + BACKING_WITHIN;
        loop {
            let is_open = TcpStream::connect_timeout(&address, ASK_EVERY).is_ok();
            if is_open && docker::ask(&command).is_ok() {
                return Ok(());
            }
            options.interrupt.check()?;
            let died = self.ended().first().map(|ended| format!("died ({})", ended.how));
            let late = (Instant::now() >= deadline)
                .then(|| format!("was not well within {} s", BACKING_WITHIN.as_secs()));
            if let Some(how) = died.or(late) {
                let words = last_words(&container).indented();
                let what = format!("`{}` {how}; its last words:{words}", service.name);
                let short =
                    "`docker system df` and `lab doctor` show whether this machine is short of something";
                let hint = full_disk(&words).unwrap_or(short);
                return Err(Diagnostic::new(what).hint(hint).into());
            }
            thread::sleep(ASK_EVERY);
        }
    }

    /// Pins stores and brokers to the processors that all arms share, before there is any load.
    ///
    /// Not earlier, because each arm's broker needs seconds of CPU to start, and all arms start at once.
    pub(super) fn pin(&self, cpus: &[usize]) -> Result<()> {
        if cpus.is_empty() || self.containers.is_empty() {
            return Ok(());
        }
        let set = cpu_set(cpus);
        let names = self.containers.iter().map(Container::name);
        let update: Vec<&str> = ["update", "--cpuset-cpus", &set].into_iter().chain(names).collect();
        told(docker::ask(&update), || format!("cannot bind the stores of `{}` to processors", self.arm))?;
        Ok(())
    }

    /// The container of a process or a backing.
    fn of(&self, process: &str) -> Option<&Container> {
        self.containers.iter().find(|container| container.process == process)
    }

    fn container(&self, service: &Service) -> Result<&Container> {
        let name = format!("{}-{}-1", self.name, service.name);
        self.containers.iter().find(|container| container.name() == name).context("a service has a container")
    }

    pub(super) fn processes(&self, arm: &ArmPlan, folder: &Path) -> Result<Vec<RunningProcess>> {
        let one = |plan: &ProcessPlan| {
            let container = self.containers.iter().find(|container| container.process == plan.name)?;
            Some(RunningProcess {
                name: plan.name.clone(),
                components: plan.components,
                pid: container.pid(),
                internal: SocketAddr::new(container.tracked.address, INTERNAL_PORT),
                public: plan.edge.then(|| SocketAddr::new(container.tracked.address, PUBLIC_PORT)),
                log: Arc::new(ContainerLog(container.name().to_owned())),
                process_config: folder.join(format!("{}.toml", plan.name)),
            })
        };
        arm.processes.iter().map(|plan| one(plan).context("a process has a container")).collect()
    }

    /// Records the control groups to measure.
    pub(super) fn measure(&mut self, processes: &[RunningProcess], backings: &[&Service]) -> Result<()> {
        for process in processes {
            let container = self.of(&process.name).context("a process has a container")?;
            let scope = Scope::Container(container.tracked.cpu.clone());
            self.groups.push(Group { name: process.name.clone(), part: process.part(), scope });
        }
        for service in backings {
            let Role::Backing(kind, _) = &service.role else { continue };
            let scope = Scope::Container(self.container(service)?.tracked.cpu.clone());
            self.groups.push(Group { name: kind.name().to_owned(), part: Part::Backing(*kind), scope });
        }
        self.groups.extend(self.proxy.iter().map(RunningProxy::group));
        Ok(())
    }

    /// The first that ended by itself.
    pub(super) fn first_ended(&mut self) -> Option<Ended> {
        self.ended().into_iter().next()
    }
}

impl RunningRuntime for Up {
    fn groups(&self) -> Vec<Group> {
        self.groups.clone()
    }

    fn place(&self, kind: BackingKind) -> Option<String> {
        Some(format!("container {}", self.of(kind.name())?.name()))
    }

    fn victim(&self, fault: &Fault) -> Result<Option<Box<dyn Victim>>> {
        match fault.what {
            FaultKind::Link { .. } => break_links(self.proxy.as_ref(), &self.plan, fault).map(Some),
            _ => victim::of(&self.plan, &self.containers, fault).map(Some),
        }
    }

    fn ended(&mut self) -> Vec<Ended> {
        let proxy = self.proxy.iter().filter_map(|proxy| proxy.child.lock().ended().cloned());
        self.containers.iter_mut().filter_map(Container::ended).chain(proxy).collect()
    }

    fn can_restart(&self, process: &str) -> bool {
        self.proxy.as_ref().is_some_and(|proxy| proxy.child.lock().name() == process)
    }

    fn restart(&mut self, process: &str) -> Result<()> {
        match &self.proxy {
            Some(proxy) if self.can_restart(process) => proxy.child.lock().revive(),
            _ => bail!("the container of `{process}` is not started again"),
        }
    }

    fn stop(&mut self) -> Vec<String> {
        if std::mem::replace(&mut self.is_gone, true) {
            return Vec::new();
        }
        let mut killed = Vec::new();
        if self.file.exists() && self.compose(&["stop"], DOWN_WITHIN).is_ok() {
            killed.extend(self.killed());
        }
        // After the containers, which drain over it.
        if let Some(proxy) = self.proxy.take() {
            let mut child = proxy.child.lock();
            child.ask_to_end();
            if !child.wait(PROXY_WITHIN) {
                killed.push(format!("{}/{}", self.arm, child.name()));
            }
        }
        // By label, so that objects that compose has lost track of are removed as well.
        let left = stale::sweep(&self.name);
        killed.extend(left.into_iter().map(|what| format!("{}/{what}", self.arm)));
        killed
    }
}

impl Up {
    /// The services that did not end in time, by their exit codes.
    fn killed(&self) -> Vec<String> {
        let names = self.containers.iter().map(Container::name);
        let asked: Vec<&str> =
            ["inspect", "--format", "{{.State.ExitCode}}"].into_iter().chain(names).collect();
        let codes = docker::ask(&asked).unwrap_or_default();
        let ended = self.containers.iter().zip(codes.lines());
        ended
            .filter(|(container, code)| *code == KILLED && container.ended.is_none())
            .map(|(container, _)| format!("{}/{}", self.arm, container.process))
            .collect()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Writes a file that everybody may read, regardless of the umask.
fn write(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}
