//! One arm that is up, and how it is started as children of the lab: its backings, its processes, its trace receiver.

use std::{net::SocketAddr, process::Command, time::Duration};

use anyhow::Context;
use runtime::BackingKind;

use super::{
    Ended, Group, LaunchOptions, Log, RunningBacking, RunningProcess, Scope, Victim,
    backings::{self, Cannot},
    child::Child,
    host_files::{self, Addressed},
    ports, ready,
};
use crate::{
    complaint::Complaint,
    compose::Up,
    plan::{ArmPlan, Budget},
    traces::Receiver,
};

/// How often an arm is started again because another program took one of its ports.
const ATTEMPTS: u32 = 3;

/// An arm that is up. Dropping it stops it.
pub struct RunningArm {
    /// Its name in the plan.
    pub name: String,
    /// What a report calls it.
    pub label: String,
    /// Where its public API is, for the generator.
    pub public: SocketAddr,
    /// Where it is for people, if that is another address: a container's is published on loopback.
    pub published: Option<SocketAddr>,
    /// Its processes, the one with the edge first.
    pub processes: Vec<RunningProcess>,
    /// Its stores and brokers.
    pub backings: Vec<RunningBacking>,
    /// Where its spans arrive, if it traces.
    pub receiver: Option<Receiver>,
    pub(crate) held: Held,
}

/// What an arm is made of, to watch and to stop.
pub(crate) enum Held {
    /// Children of the lab, in the order of the arm's processes, and how long each may take to end what is under way.
    Children(Vec<Child>, Duration),
    /// A compose project.
    Project(Up),
}

/// What it takes to start an arm.
pub(super) struct Start<'a> {
    pub(super) arm: &'a ArmPlan,
    pub(super) budget: &'a Budget,
    pub(super) options: &'a LaunchOptions<'a>,
}

impl Start<'_> {
    /// Starts the backings, then the processes, and waits until all are ready.
    pub(super) fn run(&self) -> Result<RunningArm, Cannot> {
        let folder =
            self.options.scratch.folder(format!("launch-{}/{}", self.options.number, self.arm.name))?;
        let backings = backings::provide(self, &folder)?;
        let receiver = self.receiver()?;
        let mut attempt = 1;
        loop {
            match self.processes(&folder, &backings, receiver.as_ref()) {
                Ok((processes, children)) => {
                    let public = processes
                        .iter()
                        .find_map(|process| process.public)
                        .context("a placement has one process with the edge")?;
                    return Ok(RunningArm {
                        name: self.arm.name.clone(),
                        label: self.arm.label.clone(),
                        public,
                        published: None,
                        processes,
                        backings,
                        receiver,
                        held: Held::Children(children, self.options.limits.grace()),
                    });
                }
                Err(ready::NotReady::Died(ended)) if attempt < ATTEMPTS && taken(&ended) => attempt += 1,
                Err(why) => return Err(why.told(&self.arm.label, self.options.ready_within).into()),
            }
        }
    }

    fn receiver(&self) -> anyhow::Result<Option<Receiver>> {
        let traces = self.options.traces && self.arm.wiring.get("tracing") != "off";
        traces.then(|| Receiver::start(&self.budget.arms)).transpose().context("cannot receive traces")
    }

    /// One attempt: ports, files, children, and the wait.
    fn processes(
        &self,
        folder: &std::path::Path,
        backings: &[RunningBacking],
        receiver: Option<&Receiver>,
    ) -> Result<(Vec<RunningProcess>, Vec<Child>), ready::NotReady> {
        let addressed = Addressed::new(self.arm, self.options.port)?;
        let files = host_files::write(self, &addressed, folder, backings, receiver)?;
        let mut running = Vec::new();
        let mut children = Vec::new();
        for (plan, host_file) in self.arm.processes.iter().zip(files) {
            let mut command = Command::new(self.options.program);
            command.arg("host").arg(&host_file);
            let log = folder.join(format!("{}.log", plan.name));
            let child = Child::start(&plan.name, command, &log, &self.budget.arms)?;
            running.push(RunningProcess {
                name: plan.name.clone(),
                components: plan.components,
                pid: child.pid(),
                internal: addressed.internal(&plan.name),
                public: plan.edge.then_some(addressed.public),
                log: Log::File(log),
                host_file,
            });
            children.push(child);
        }
        let ended = || children.iter_mut().find_map(|child| child.ended().cloned());
        ready::wait(&running, ended, self.options.interrupt, self.options.ready_within)?;
        Ok((running, children))
    }
}

fn taken(ended: &Ended) -> bool {
    ports::was_taken(&ended.last_words.0.join("\n"))
}

impl RunningArm {
    /// Where its public API is for people, as a URL without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.published.unwrap_or(self.public))
    }

    /// Its processes as groups to measure: the services first, then the backings that run on this machine for it alone.
    pub fn groups(&self) -> Vec<Group> {
        if let Held::Project(up) = &self.held {
            return up.groups().to_vec();
        }
        let services = self.processes.iter().map(|process| Group {
            name: process.name.clone(),
            part: process.part(),
            scope: Scope::Process(process.pid),
        });
        let backings = self.backings.iter().filter_map(RunningBacking::group);
        services.chain(backings).collect()
    }

    /// Its backing of a kind, to do harm to.
    ///
    /// Fails where that is not the arm's own: others use a given server as well.
    pub(crate) fn victim(&self, kind: BackingKind) -> anyhow::Result<Victim> {
        let own = match &self.held {
            Held::Project(up) => up.victim(kind),
            Held::Children(..) => {
                self.backings.iter().find(|backing| backing.kind == kind).and_then(RunningBacking::victim)
            }
        };
        own.ok_or_else(|| {
            let name = kind.name();
            let what = format!("the {name} of `{}` is not its own, so nothing is done to it", self.label);
            let hint = format!("leave `--{name}-url` out: each arm then has a {name} of its own");
            Complaint::new(what).hint(hint).into()
        })
    }

    /// What was written for its processes: name and file, for the run's folder. Passwords are left out.
    pub fn host_file_texts(&self) -> Vec<(String, String)> {
        self.processes
            .iter()
            .filter_map(|process| {
                let text = std::fs::read_to_string(&process.host_file).ok()?;
                Some((process.name.clone(), host_files::without_passwords(&text)))
            })
            .collect()
    }

    /// The processes and backings that ended although nobody asked them to.
    pub(super) fn ended(&mut self) -> Vec<Ended> {
        let children = match &mut self.held {
            Held::Children(children, _) => children,
            Held::Project(up) => return up.ended(),
        };
        let services = children.iter_mut();
        let backings = self.backings.iter_mut().filter_map(RunningBacking::child);
        services.chain(backings).filter_map(|child| child.ended().cloned()).collect()
    }

    /// Stops the edge, then the other processes, then the backings: whoever calls goes before who is called, so that
    /// nothing under way loses the one it waits for. The names of those that had to be killed.
    pub(super) fn stop(&mut self) -> Vec<String> {
        let mut killed = Vec::new();
        let (mut children, grace) = match &mut self.held {
            Held::Children(children, grace) => (std::mem::take(children), *grace),
            Held::Project(up) => return up.stop(),
        };
        let callers = 1.min(children.len());
        let (edge, others) = children.split_at_mut(callers);
        for wave in [edge, others] {
            wave.iter_mut().for_each(Child::ask_to_end);
            for child in wave {
                if !child.wait(grace) {
                    killed.push(format!("{}/{}", self.name, child.name()));
                }
            }
        }
        for backing in &mut self.backings {
            if !backing.stop() {
                killed.push(format!("{}/{}", self.name, backing.kind.name()));
            }
        }
        killed
    }
}

impl Drop for RunningArm {
    fn drop(&mut self) {
        self.stop();
    }
}
