//! Starting an arm as children of the lab: its backings, its processes, its span receiver.

use std::{path::Path, process::Command, sync::Arc};

use anyhow::Context;
use design::axes::Tracing;
use scenario::plan::{ArmPlan, Budget};

use super::{
    backings::{self, OwnBacking},
    child::Child,
    children::Children,
    ports,
    process_configs::{self, Addressed},
};
use crate::{
    arm::{Ended, FileLog, LaunchOptions, NotReady, RunningArm, RunningProcess, StartError, wait},
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

impl Start<'_> {
    /// Starts the backings, then the processes, and waits until all are ready.
    pub(super) fn run(&self) -> Result<RunningArm, StartError> {
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
                    let described = backings.iter().map(OwnBacking::described).collect();
                    let grace = self.options.limits.grace();
                    return Ok(RunningArm {
                        name: self.arm.name.clone(),
                        label: self.arm.label.clone(),
                        public,
                        published: None,
                        runtime: Box::new(Children::new(
                            &self.arm.name,
                            &processes,
                            children,
                            backings,
                            grace,
                        )),
                        processes,
                        backings: described,
                        receiver,
                    });
                }
                Err(NotReady::Died(ended)) if attempt < ATTEMPTS && taken(&ended) => attempt += 1,
                Err(why) => return Err(why.told(&self.arm.label, self.options.ready_within).into()),
            }
        }
    }

    fn receiver(&self) -> anyhow::Result<Option<Receiver>> {
        let traces = self.options.traces && !self.arm.wiring.is(Tracing::Off);
        traces.then(|| Receiver::start(&self.budget.arms)).transpose().context("cannot receive traces")
    }

    /// One attempt: ports, files, children, and the wait.
    fn processes(
        &self,
        folder: &Path,
        backings: &[OwnBacking],
        receiver: Option<&Receiver>,
    ) -> Result<(Vec<RunningProcess>, Vec<Child>), NotReady> {
        let addressed = Addressed::new(self.arm, self.options.port)?;
        let files = process_configs::write(self, &addressed, folder, backings, receiver)?;
        let mut running = Vec::new();
        let mut children = Vec::new();
        for (plan, process_config) in self.arm.processes.iter().zip(files) {
            let mut command = Command::new(self.options.program);
            command.arg("host").arg(&process_config);
            let log = folder.join(format!("{}.log", plan.name));
            let child = Child::start(&plan.name, command, &log, &self.budget.arms)?;
            running.push(RunningProcess {
                name: plan.name.clone(),
                components: plan.components,
                pid: child.pid(),
                internal: addressed.internal(&plan.name),
                public: plan.edge.then_some(addressed.public),
                log: Arc::new(FileLog(log)),
                process_config,
            });
            children.push(child);
        }
        let ended = || children.iter_mut().find_map(|child| child.ended().cloned());
        wait(&running, ended, self.options.interrupt, self.options.ready_within)?;
        Ok((running, children))
    }
}

fn taken(ended: &Ended) -> bool {
    ports::was_taken(&ended.last_words.0.join("\n"))
}
