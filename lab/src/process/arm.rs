//! One arm: its backings, its processes, its trace receiver.

use std::{net::SocketAddr, path::PathBuf, process::Command, time::Duration};

use anyhow::Context;
use runtime::Limits;

use super::{
    Ended, Group, LaunchOptions, Part, RunningBacking, RunningProcess,
    backings::{self, Cannot},
    child::Child,
    host_files::{self, Addressed},
    ports, ready,
};
use crate::{
    complaint::Complaint,
    plan::{ArmPlan, Budget},
    traces::Receiver,
};

/// How often an arm is started again because another program took one of its ports.
const ATTEMPTS: u32 = 3;

/// How much longer than its drain limit a process may take to end.
const END_MARGIN: Duration = Duration::from_secs(2);

/// An arm that is up. Dropping it stops it.
pub struct RunningArm {
    /// Its name in the plan.
    pub name: String,
    /// What a report calls it.
    pub label: String,
    /// Where its public API is.
    pub public: SocketAddr,
    /// Its processes, the one with the edge first.
    pub processes: Vec<RunningProcess>,
    /// Its stores and brokers.
    pub backings: Vec<RunningBacking>,
    /// Where its spans arrive, if it traces.
    pub receiver: Option<Receiver>,
    children: Vec<Child>,
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
                        processes,
                        backings,
                        receiver,
                        children,
                    });
                }
                Err(ready::NotReady::Died(ended)) if attempt < ATTEMPTS && taken(&ended) => attempt += 1,
                Err(why) => return Err(self.complaint(why).into()),
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
                log,
                host_file,
            });
            children.push(child);
        }
        ready::wait(&running, &mut children, self.options)?;
        Ok((running, children))
    }

    fn complaint(&self, why: ready::NotReady) -> anyhow::Error {
        match why {
            ready::NotReady::Died(ended) => Complaint::new(format!(
                "the process `{}` of `{}` died while starting ({}); its last words:{}",
                ended.process,
                self.arm.label,
                ended.how,
                ended.last_words.indented(),
            ))
            .hint("`lab plan` shows what it was to be, `lab doctor` what this machine offers")
            .into(),
            ready::NotReady::Late { process, last_words } => Complaint::new(format!(
                "the process `{process}` of `{}` was not ready within {} s; its last words:{}",
                self.arm.label,
                self.options.ready_within.as_secs(),
                last_words.indented(),
            ))
            .hint("`lab doctor` shows whether this machine is short of something")
            .into(),
            ready::NotReady::Other(error) => error,
        }
    }
}

fn taken(ended: &Ended) -> bool {
    ports::was_taken(&ended.last_words.0.join("\n"))
}

impl RunningArm {
    /// Where its public API is, as a URL without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.public)
    }

    /// Its processes as groups to measure: the services first, then the backings that run on this machine for it alone.
    pub fn groups(&self) -> Vec<Group> {
        let services = self.processes.iter().map(|process| Group {
            name: process.name.clone(),
            part: Part::Service { components: process.components.to_vec(), edge: process.public.is_some() },
            pid: process.pid,
            with_children: false,
        });
        let backings = self.backings.iter().filter_map(RunningBacking::group);
        services.chain(backings).collect()
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

    /// A folder's worth of logs: name and path. Gone when the arm's scratch folder is.
    pub fn logs(&self) -> Vec<(String, PathBuf)> {
        let services = self.processes.iter().map(|process| (process.name.clone(), process.log.clone()));
        let backings = self
            .backings
            .iter()
            .filter_map(|backing| Some((backing.kind.name().to_owned(), backing.log.clone()?)));
        services.chain(backings).collect()
    }

    /// The first process or backing found to have ended although nobody asked it to.
    pub(super) fn death(&mut self) -> Option<Ended> {
        let services = self.children.iter_mut();
        let backings = self.backings.iter_mut().filter_map(RunningBacking::child);
        services.chain(backings).find_map(|child| child.ended().cloned())
    }

    /// Stops the edge, then the other processes, then the backings: whoever calls goes before who is called, so that
    /// nothing under way loses the one it waits for. The names of those that had to be killed.
    pub(super) fn stop(&mut self) -> Vec<String> {
        let limit = Duration::from_millis(Limits::default().drain_ms) + END_MARGIN;
        let mut killed = Vec::new();
        let mut children = std::mem::take(&mut self.children);
        let callers = 1.min(children.len());
        let (edge, others) = children.split_at_mut(callers);
        for wave in [edge, others] {
            wave.iter_mut().for_each(Child::ask_to_end);
            for child in wave {
                if !child.wait(limit) {
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
