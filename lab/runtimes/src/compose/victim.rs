//! The containers that a fault is done to: paused, or killed and started again.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use scenario::{Fault, FaultKind, Target, plan::ArmPlan};

use super::{
    container::{self, Container, Tracked},
    docker::{self, DockerFault},
    project::INTERNAL_PORT,
};
use crate::{arm::Victim, http, measure::Cgroup};

/// The time limit for a killed container to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// The polling interval of a container that is killed.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The time limit for a process to say whether it, or its store, is well.
const HEALTH_WITHIN: Duration = Duration::from_millis(100);

/// What a fault of a project is done to: the containers of the processes or of the backing that it names.
pub(super) fn of(plan: &ArmPlan, containers: &[Container], fault: &Fault) -> Result<Box<dyn Victim>> {
    let of = |names: &[&str]| -> Vec<&Container> {
        let mut found: Vec<_> =
            containers.iter().filter(|one| names.contains(&one.process.as_str())).collect();
        found.sort_by_key(|one| one.tracked.address);
        found
    };
    let (victims, who_knows, path) = match fault.target {
        Target::Process(name) => {
            let covered = plan.processes.iter().filter(|one| name.covers(one.shape, &one.name));
            let names: Vec<&str> = covered.map(|one| one.name.as_str()).collect();
            (of(&names), of(&names), "/health/ready")
        }
        Target::Backing(kind) => {
            let roles: Vec<_> =
                plan.backings.iter().filter(|need| need.kind == kind).map(|need| &need.role).collect();
            let users =
                plan.processes.iter().filter(|one| one.roles.iter().any(|role| roles.contains(&role)));
            let users: Vec<&str> = users.map(|one| one.name.as_str()).collect();
            (of(&[kind.name()]), of(&users), "/health/backings")
        }
        Target::Link(_) => bail!("nothing makes this fault in containers: {fault}"),
    };
    let containers: Vec<Tracked> = victims.into_iter().map(|one| one.tracked.clone()).collect();
    let internal = |one: &Container| SocketAddr::new(one.tracked.address, INTERNAL_PORT);
    Ok(match fault.what {
        FaultKind::Freeze => Box::new(Pause(containers)),
        FaultKind::Kill => {
            Box::new(Kill { containers, ask: who_knows.into_iter().map(internal).collect(), path })
        }
        _ => bail!("nothing makes this fault in containers: {fault}"),
    })
}

/// Containers that are frozen: the kernel's freezer stops everything in them.
pub(super) struct Pause(pub(super) Vec<Tracked>);

impl Victim for Pause {
    fn begin(&self) -> Result<Instant> {
        self.all("pause")
    }

    fn end(&self) -> Result<Instant> {
        self.all("unpause")
    }
}

impl Pause {
    /// In one command, which asks the engine for all of them at once.
    fn all(&self, what: &str) -> Result<Instant> {
        let names = self.0.iter().map(|container| container.name.as_str());
        asked(&std::iter::once(what).chain(names).collect::<Vec<_>>())?;
        Ok(Instant::now())
    }
}

/// Containers that are killed, and started again with their file systems, so with their data.
pub(super) struct Kill {
    /// By ascending address: one that starts takes the lowest that is free.
    pub(super) containers: Vec<Tracked>,
    /// The internal servers of those who know whether they serve again.
    pub(super) ask: Vec<SocketAddr>,
    /// What is asked there.
    pub(super) path: &'static str,
}

impl Victim for Kill {
    fn begin(&self) -> Result<Instant> {
        let mut last = Instant::now();
        for container in &self.containers {
            container.falls();
            // The engine answers long after it has sent the signal.
            last = thread::scope(|scope| {
                let asking = scope.spawn(|| asked(&["kill", &container.name]));
                let deadline = Instant::now() + GONE_WITHIN;
                while !container.is_gone() && !asking.is_finished() && Instant::now() < deadline {
                    thread::sleep(LOOK_EVERY);
                }
                let gone = Instant::now();
                let answered =
                    asking.join().unwrap_or_else(|_| bail!("the lab panicked while it asked the engine"));
                answered.map(|()| gone)
            })?;
        }
        Ok(last)
    }

    fn end(&self) -> Result<Instant> {
        for container in self.containers.iter().filter(|container| container.is_down()) {
            asked(&["start", &container.name])?;
            container.rises()?;
        }
        Ok(Instant::now())
    }

    fn has_to_start(&self) -> bool {
        true
    }

    fn is_back(&self) -> bool {
        let says_yes = |internal: &SocketAddr| {
            http::get(*internal, self.path, HEALTH_WITHIN).is_ok_and(|reply| reply.status == 200)
        };
        self.ask.iter().all(says_yes)
    }
}

impl Tracked {
    /// It is about to be killed by the lab.
    fn falls(&self) {
        self.cpu.keep_cpu();
        self.locked().is_down = true;
    }

    /// It was started again: its process is another one, and its address has to be the same.
    fn rises(&self) -> Result<()> {
        let said = docker::ask(&["inspect", "--format", container::FORMAT, &self.name])
            .map_err(DockerFault::diagnostic)?;
        let Some((pid, address)) = container::parsed(&said) else {
            bail!("the container `{}` ended again when it was started", self.name);
        };
        if address != self.address {
            bail!("the container `{}` came back at another address, where nobody looks for it", self.name);
        }
        self.cpu.restarted_in(Cgroup::of(pid)?);
        let mut life = self.locked();
        (life.pid, life.is_down) = (pid, false);
        Ok(())
    }
}

fn asked(words: &[&str]) -> Result<()> {
    docker::ask(words).map(drop).map_err(DockerFault::diagnostic)
}
