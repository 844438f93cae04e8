//! The containers that a fault is done to: paused, killed and started again, or failing their calls.

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
use crate::{
    arm::Victim,
    measure::Cgroup,
    process::faults::{FailCalls, LEASE_MARGIN, says_yes},
};

/// The time limit for a killed container to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// What the engine says if a container did not stand still within some milliseconds: each of its threads has to be
/// scheduled once for that, which takes longer on a busy processor. The container then goes on as before.
const NOT_IN_TIME: &str = "unable to freeze";

/// The time limit for containers to stand still.
const STILL_WITHIN: Duration = Duration::from_secs(5);

/// The polling interval of a container that is killed.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What a fault of a project is done to: the containers of the processes or of the backing that it names.
pub(super) fn of(plan: &ArmPlan, containers: &[Container], fault: &Fault) -> Result<Box<dyn Victim>> {
    let of = |names: &[&str]| -> Vec<Tracked> {
        let named = containers.iter().filter(|one| names.contains(&one.process.as_str()));
        named.map(|one| one.tracked.clone()).collect()
    };
    let (containers, who_knows, path) = match fault.target {
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
        Target::Link(_) => bail!("nothing makes this fault: {fault}"),
    };
    let internal = |one: &Tracked| SocketAddr::new(one.address, INTERNAL_PORT);
    let ask = who_knows.iter().map(internal).collect();
    Ok(match (fault.what, fault.target) {
        (FaultKind::Freeze, _) => Box::new(Pause(containers)),
        (FaultKind::Kill, _) => Box::new(Kill { containers, ask, path }),
        (FaultKind::Errors { share, reply, seed }, Target::Process(_)) => {
            Box::new(FailCalls { internal: ask, share, reply, seed, lease: fault.lasts + LEASE_MARGIN })
        }
        _ => bail!("nothing makes this fault: {fault}"),
    })
}

/// Containers that are frozen: the kernel's freezer stops everything in them.
pub(super) struct Pause(pub(super) Vec<Tracked>);

impl Victim for Pause {
    fn begin(&self) -> Result<Instant> {
        match self.all("pause") {
            Err(DockerFault::Failed { words, .. }) if words.contains(NOT_IN_TIME) => self.insist()?,
            said => said.map_err(DockerFault::diagnostic)?,
        }
        Ok(Instant::now())
    }

    fn end(&self) -> Result<Instant> {
        self.all("unpause").map_err(DockerFault::diagnostic)?;
        Ok(Instant::now())
    }
}

impl Pause {
    /// In one command, which asks the engine for all of them at once.
    fn all(&self, what: &str) -> Result<(), DockerFault> {
        let names = self.0.iter().map(|container| container.name.as_str());
        docker::ask(&std::iter::once(what).chain(names).collect::<Vec<_>>()).map(drop)
    }

    /// Pauses those that are not paused yet, one after the other, and again where it was not done in time.
    fn insist(&self) -> Result<()> {
        let deadline = Instant::now() + STILL_WITHIN;
        for container in &self.0 {
            loop {
                match docker::ask(&["pause", &container.name]) {
                    Err(DockerFault::Failed { words, .. }) if words.contains("already paused") => break,
                    Err(DockerFault::Failed { words, .. })
                        if words.contains(NOT_IN_TIME) && Instant::now() < deadline => {}
                    said => break said.map(drop).map_err(DockerFault::diagnostic)?,
                }
            }
        }
        Ok(())
    }
}

/// Containers that are killed, and started again with their file systems, so with their data.
pub(super) struct Kill {
    pub(super) containers: Vec<Tracked>,
    /// The internal servers of those who know whether they serve again.
    pub(super) ask: Vec<SocketAddr>,
    /// What is asked there.
    pub(super) path: &'static str,
}

impl Victim for Kill {
    fn begin(&self) -> Result<Instant> {
        self.containers.iter().for_each(Tracked::falls);
        let names = self.containers.iter().map(|container| container.name.as_str());
        let kill: Vec<&str> = std::iter::once("kill").chain(names).collect();
        // The engine answers long after it has sent the signals.
        thread::scope(|scope| {
            let asking = scope.spawn(|| asked(&kill));
            let deadline = Instant::now() + GONE_WITHIN;
            let are_gone = || self.containers.iter().all(Tracked::is_gone);
            while !are_gone() && !asking.is_finished() && Instant::now() < deadline {
                thread::sleep(LOOK_EVERY);
            }
            let gone = Instant::now();
            let answered =
                asking.join().unwrap_or_else(|_| bail!("the lab panicked while it asked the engine"));
            answered.map(|()| gone)
        })
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
        self.ask.iter().all(|internal| says_yes(*internal, self.path))
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
