//! A running arm as children of the lab.

use std::time::Duration;

use design::BackingKind;

use super::{backings::OwnBacking, child::Child};
use crate::{
    arm::{Ended, RunningProcess, RunningRuntime, Victim},
    measure::{Group, Scope},
};

/// The children of an arm.
pub(super) struct Children {
    arm: String,
    /// The services as process groups to measure, in the order of the arm's processes.
    services: Vec<Group>,
    /// Their processes in the same order, the one with the edge first.
    processes: Vec<Child>,
    backings: Vec<OwnBacking>,
    /// The grace period of each for its requests in flight.
    grace: Duration,
}

impl Children {
    /// The children of a ready arm: its processes with their children, and its backings.
    pub(super) fn new(
        arm: &str,
        running: &[RunningProcess],
        processes: Vec<Child>,
        backings: Vec<OwnBacking>,
        grace: Duration,
    ) -> Self {
        let service = |process: &RunningProcess| Group {
            name: process.name.clone(),
            part: process.part(),
            scope: Scope::Process(process.pid),
        };
        Self {
            arm: arm.to_owned(),
            services: running.iter().map(service).collect(),
            processes,
            backings,
            grace,
        }
    }
}

impl RunningRuntime for Children {
    fn groups(&self) -> Vec<Group> {
        let backings = self.backings.iter().filter_map(OwnBacking::group);
        self.services.iter().cloned().chain(backings).collect()
    }

    fn victim(&self, kind: BackingKind) -> Option<Box<dyn Victim>> {
        let backing = self.backings.iter().find(|backing| backing.kind == kind)?;
        backing.victim().map(|victim| Box::new(victim) as Box<dyn Victim>)
    }

    fn ended(&mut self) -> Vec<Ended> {
        let services = self.processes.iter_mut();
        let backings = self.backings.iter_mut().filter_map(OwnBacking::child);
        services.chain(backings).filter_map(|child| child.ended().cloned()).collect()
    }

    /// Stops the edge, then the other processes, then the backings: callers before callees, so that no
    /// request in flight loses its callee.
    fn stop(&mut self) -> Vec<String> {
        let mut killed = Vec::new();
        let mut processes = std::mem::take(&mut self.processes);
        let callers = 1.min(processes.len());
        let (edge, others) = processes.split_at_mut(callers);
        for wave in [edge, others] {
            wave.iter_mut().for_each(Child::ask_to_end);
            for child in wave {
                if !child.wait(self.grace) {
                    killed.push(format!("{}/{}", self.arm, child.name()));
                }
            }
        }
        for backing in &mut self.backings {
            if !backing.stop() {
                killed.push(format!("{}/{}", self.arm, backing.kind.name()));
            }
        }
        killed
    }
}
