//! Starting an arm as children of the lab: its backings, its processes, its span receiver.

use std::{path::Path, process::Command, sync::Arc};

use ::proxy::Limits;
use anyhow::Context;
use design::axes::Tracing;
use scenario::{
    CLIENT,
    plan::{ArmPlan, Budget, ProcessPlan},
};

use super::{
    addresses::Addressed,
    backings::{self, OwnBacking},
    child::{Child, SharedChild},
    children::Children,
    links::{ProxiedLinks, RunningProxy, are_users_proxied},
    ports, process_configs,
};
use crate::{
    arm::{
        Ended, FileLog, LaunchOptions, NotReady, PublicPart, RunningArm, RunningProcess, StartError, wait,
    },
    traces::Receiver,
};

/// The attempts to start an arm if another program takes one of its ports.
const ATTEMPTS: u32 = 3;

/// The options of starting an arm.
pub(super) struct Start<'a> {
    pub(super) arm: &'a ArmPlan,
    pub(super) budget: &'a Budget,
    pub(super) options: &'a LaunchOptions<'a>,
}

/// The processes of an arm that is ready.
pub(super) struct Started {
    /// Where users reach the public API: each process that serves a part of it.
    public: Vec<PublicPart>,
    pub(super) processes: Vec<RunningProcess>,
    /// The children of the processes, in the same order.
    pub(super) children: Vec<SharedChild>,
    pub(super) proxy: Option<RunningProxy>,
}

impl Start<'_> {
    /// Starts the backings, then the processes, and waits until all are ready.
    pub(super) fn run(&self) -> Result<RunningArm, StartError> {
        let folder =
            self.options.scratch.folder(format!("launch-{}/{}", self.options.number, self.arm.name))?;
        let backings = backings::provide(self, &folder)?;
        let receiver = self.receiver()?;
        let mut attempt = 1;
        let started = loop {
            match self.processes(&folder, &backings, receiver.as_ref()) {
                Ok(started) => break started,
                Err(NotReady::Died(ended)) if attempt < ATTEMPTS && taken(&ended) => attempt += 1,
                Err(why) => return Err(why.told(&self.arm.label, self.options.ready_within).into()),
            }
        };
        let first = started.public.first().map(|part| part.address);
        Ok(RunningArm {
            name: self.arm.name.clone(),
            label: self.arm.label.clone(),
            public: first.context("a wiring has a process with a public API")?,
            parts: started.public.clone(),
            processes: started.processes.clone(),
            backings: backings.iter().map(OwnBacking::described).collect(),
            receiver,
            runtime: Box::new(Children::new(self.arm, started, backings, self.options.limits.grace())),
        })
    }

    fn receiver(&self) -> anyhow::Result<Option<Receiver>> {
        let traces = self.options.traces && !self.arm.wiring.is(Tracing::Off);
        traces.then(|| Receiver::start(&self.budget.arms)).transpose().context("cannot receive traces")
    }

    /// A command of the lab's own program on a file.
    pub(super) fn command(&self, words: &[&str], file: &Path) -> Command {
        let mut command = Command::new(self.options.program);
        command.args(words).arg(file);
        command
    }

    /// One attempt: ports, files, children, and the wait.
    fn processes(
        &self,
        folder: &Path,
        backings: &[OwnBacking],
        receiver: Option<&Receiver>,
    ) -> Result<Started, NotReady> {
        // Users reach the wanted port: the proxy's, if their link leads through it.
        let is_proxied = |process: &ProcessPlan| are_users_proxied(self.arm, self.options.proxied, process);
        let addressed =
            Addressed::new(self.arm, |process| self.options.port.filter(|_| !is_proxied(process)))?;
        let links = ProxiedLinks::of(self, &addressed, backings)?;
        // Before the processes, which reach their stores through it.
        let proxy = links.start(self.options, Limits::default(), &self.budget.arms, folder)?;
        let files = process_configs::write(self, &addressed, &links, folder, backings, receiver)?;
        let mut processes = Vec::new();
        let mut children = Vec::new();
        for (plan, process_config) in self.arm.processes.iter().zip(files) {
            let log = folder.join(format!("{}.log", plan.name));
            let command = self.command(&["host"], &process_config);
            let child = Child::start(&plan.name, command, &log, &self.budget.arms)?;
            processes.push(RunningProcess {
                name: plan.name.clone(),
                components: plan.components,
                pid: child.pid(),
                internal: addressed.internal(&plan.name),
                public: addressed.public(&plan.name),
                log: Arc::new(FileLog(log)),
                process_config,
            });
            children.push(SharedChild::new(child));
        }
        let all = || children.iter().chain(proxy.iter().map(|proxy| &proxy.child));
        let ended = || all().find_map(|child| child.lock().ended().cloned());
        wait(&processes, ended, self.options.interrupt, self.options.ready_within)?;
        let public = self.arm.public().filter_map(|process| {
            let address = links.listen(CLIENT, &process.name).or(addressed.public(&process.name))?;
            Some(PublicPart::of(process, address))
        });
        let public = public.collect();
        Ok(Started { public, processes, children, proxy })
    }
}

fn taken(ended: &Ended) -> bool {
    ports::was_taken(&ended.last_words.0.join("\n"))
}
