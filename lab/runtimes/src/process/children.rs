//! A running arm as children of the lab.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, bail};
use design::BackingKind;
use scenario::{
    Fault, FaultKind, ProcessName, Target,
    plan::{ArmPlan, ProcessPlan},
};

use super::{
    backings::OwnBacking,
    child::SharedChild,
    faults::{FailCalls, Freeze, Kill, KillServer, LEASE_MARGIN, Service},
    links::{RunningProxy, break_links},
    start::Started,
    victim::Processes,
};
use crate::{
    arm::{Ended, RunningRuntime, Victim},
    measure::{Group, Scope},
};

/// The children of an arm.
pub(super) struct Children {
    arm: ArmPlan,
    /// The services as process groups to measure, in the order of the arm's processes.
    services: Vec<Group>,
    /// Their processes in the same order, the one with the edge first.
    processes: Vec<SharedChild>,
    /// The internal servers of these.
    internal: Vec<SocketAddr>,
    proxy: Option<RunningProxy>,
    backings: Vec<OwnBacking>,
    /// The grace period of each for its requests in flight.
    grace: Duration,
}

impl Children {
    /// The children of a ready arm: its processes with their children, the proxy on its links, and its backings.
    pub(super) fn new(arm: &ArmPlan, started: Started, backings: Vec<OwnBacking>, grace: Duration) -> Self {
        let Started { processes: running, children: processes, proxy, .. } = started;
        let measured = |child: &SharedChild| Scope::Process(child.lock().tracked().clone());
        let services = running.iter().zip(&processes);
        let services = services.map(|(process, child)| Group {
            name: process.name.clone(),
            part: process.part(),
            scope: measured(child),
        });
        let services = services.collect();
        let internal = running.iter().map(|process| process.internal).collect();
        Self { arm: arm.clone(), services, processes, internal, proxy, backings, grace }
    }

    /// Every process with its plan.
    fn planned(&self) -> impl Iterator<Item = (&ProcessPlan, Service)> {
        let children = self.processes.iter().zip(&self.internal);
        let service = |(child, internal): (&SharedChild, &SocketAddr)| Service {
            child: child.clone(),
            internal: *internal,
        };
        self.arm.processes.iter().zip(children.map(service))
    }

    /// The processes that a name of a placement covers.
    fn named(&self, name: &ProcessName) -> Vec<Service> {
        let covered = self.planned().filter(|(plan, _)| name.covers(plan.shape, &plan.name));
        covered.map(|(_, service)| service).collect()
    }

    /// The internal servers of the processes that use a backing.
    fn users(&self, kind: BackingKind) -> Vec<SocketAddr> {
        let roles = self.arm.backings.iter().filter(|need| need.kind == kind).map(|need| &need.role);
        let roles: Vec<&String> = roles.collect();
        let uses = |plan: &ProcessPlan| plan.roles.iter().any(|role| roles.contains(&role));
        self.planned().filter(|(plan, _)| uses(plan)).map(|(_, service)| service.internal).collect()
    }

    fn backing(&self, kind: BackingKind) -> Option<&OwnBacking> {
        self.backings.iter().find(|backing| backing.kind == kind)
    }

    /// The children that keep nothing, so that they can be started again.
    fn without_data(&self) -> impl Iterator<Item = &SharedChild> {
        self.processes.iter().chain(self.proxy.iter().map(|proxy| &proxy.child))
    }

    fn every_child(&self) -> impl Iterator<Item = &SharedChild> {
        self.without_data().chain(self.backings.iter().filter_map(OwnBacking::child))
    }
}

impl RunningRuntime for Children {
    fn groups(&self) -> Vec<Group> {
        let proxy = self.proxy.iter().map(RunningProxy::group);
        let backings = self.backings.iter().filter_map(OwnBacking::group);
        self.services.iter().cloned().chain(proxy).chain(backings).collect()
    }

    fn place(&self, kind: BackingKind) -> Option<String> {
        self.backing(kind)?.processes().map(|processes| processes.to_string())
    }

    fn victim(&self, fault: &Fault) -> Result<Option<Box<dyn Victim>>> {
        let victim: Box<dyn Victim> = match (fault.what, fault.target) {
            (FaultKind::Link { .. }, _) => break_links(self.proxy.as_ref(), &self.arm, fault)?,
            (FaultKind::Freeze, Target::Process(name)) => {
                let alone = |service: Service| Processes::Alone(service.child.lock().tracked().clone());
                Box::new(Freeze(self.named(&name).into_iter().map(alone).collect()))
            }
            (FaultKind::Kill, Target::Process(name)) => Box::new(Kill(self.named(&name))),
            (FaultKind::Freeze | FaultKind::Kill, Target::Backing(kind)) => {
                let Some(backing) = self.backing(kind) else { return Ok(None) };
                let Some(processes) = backing.processes() else { return Ok(None) };
                match fault.what {
                    FaultKind::Freeze => Box::new(Freeze(vec![processes])),
                    _ => Box::new(KillServer {
                        keeper: backing.keeper()?,
                        server: processes,
                        users: self.users(kind),
                    }),
                }
            }
            (FaultKind::Errors { share, reply, seed }, Target::Process(name)) => {
                let internal = self.named(&name).into_iter().map(|service| service.internal).collect();
                Box::new(FailCalls { internal, share, reply, seed, lease: fault.lasts + LEASE_MARGIN })
            }
            (FaultKind::Freeze | FaultKind::Kill, Target::Link(_)) | (FaultKind::Errors { .. }, _) => {
                bail!("nothing makes this fault: {fault}")
            }
        };
        Ok(Some(victim))
    }

    fn ended(&mut self) -> Vec<Ended> {
        self.every_child().filter_map(|child| child.lock().ended().cloned()).collect()
    }

    fn can_restart(&self, process: &str) -> bool {
        self.without_data().any(|child| child.lock().name() == process)
    }

    fn restart(&mut self, process: &str) -> Result<()> {
        let named = |child: &&SharedChild| child.lock().name() == process;
        self.without_data().filter(named).try_for_each(|child| child.lock().revive())
    }

    /// Stops the edge, then the other processes, then the proxy, then the backings: callers before callees, so that no
    /// request in flight loses its callee.
    fn stop(&mut self) -> Vec<String> {
        let mut killed = Vec::new();
        let processes = std::mem::take(&mut self.processes);
        let (edge, others) = processes.split_at(1.min(processes.len()));
        let proxy: Vec<_> = self.proxy.take().into_iter().map(|proxy| proxy.child).collect();
        for wave in [edge, others, &proxy] {
            for child in wave {
                child.lock().ask_to_end();
            }
            for child in wave {
                let mut child = child.lock();
                if !child.wait(self.grace) {
                    killed.push(format!("{}/{}", self.arm.name, child.name()));
                }
            }
        }
        for backing in &mut self.backings {
            if !backing.stop() {
                killed.push(format!("{}/{}", self.arm.name, backing.kind.name()));
            }
        }
        killed
    }
}
