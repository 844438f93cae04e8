//! What faults are done to in each arm: the links that it has, and that every arm has what a fault names.

use std::fmt;

use anyhow::Result;
use design::{BackingKind, BackingNeed};

use super::{ArmPlan, ProcessPlan};
use crate::{
    diagnostic::{Diagnostic, did_you_mean},
    scenario::{CLIENT, Callee, Caller, Fault, Link, ProcessName, Target},
};

/// A link of an arm: one process calls another, or uses a backing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArmLink<'a> {
    /// The process that calls; absent for the users of the public API.
    pub from: Option<&'a ProcessPlan>,
    /// Who is called.
    pub to: ArmEnd<'a>,
}

/// Who is called over a link of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArmEnd<'a> {
    /// A process: one of its replicas, if it has any.
    Process(&'a ProcessPlan),
    /// A backing, under the role by which the caller knows it.
    Backing(&'a BackingNeed),
}

impl ArmPlan {
    /// Every link of the arm: from the users to the public API, between processes, and to backings with processes of their own.
    pub fn links(&self) -> Vec<ArmLink<'_>> {
        let of_users = self.public().map(|process| ArmLink { from: None, to: ArmEnd::Process(process) });
        let mut links: Vec<_> = of_users.collect();
        for process in &self.processes {
            let from = Some(process);
            let reached = |one: &&'static str| process.calls.contains(one) || process.tells.contains(one);
            let hosts = |callee: &&ProcessPlan| callee.components.iter().any(&reached);
            let callees = self.processes.iter().filter(hosts).map(ArmEnd::Process);
            let uses = |need: &&BackingNeed| process.roles.contains(&need.role) && need.kind.has_processes();
            let backings = self.backings.iter().filter(uses).map(ArmEnd::Backing);
            links.extend(callees.chain(backings).map(|to| ArmLink { from, to }));
        }
        links
    }

    /// The links that a fault of links on this target is done to: the named ones, or all that lead to the target.
    ///
    /// What a fault is done to as a whole is not cut off from the users: `client -> gateway` has to be named.
    pub fn links_of(&self, target: Target) -> Vec<ArmLink<'_>> {
        let mut links = self.links();
        links.retain(|link| match target {
            Target::Link(named) => link.is(&named),
            Target::Process(name) => link.from.is_some() && link.to.is(&Callee::Process(name)),
            Target::Backing(kind) => link.to.is(&Callee::Backing(kind)),
        });
        links
    }

    /// Fails if it has nothing that a fault by hand could be done to.
    pub fn can_have(&self, fault: &Fault) -> Result<()> {
        no_link_to_kafka(fault, std::slice::from_ref(self))?;
        if self.has(fault) {
            return Ok(());
        }
        let target = fault.target.to_string();
        let processes = self.processes.iter().map(|process| process.name.clone());
        let stores = self.backings.iter().map(|need| need.kind).filter(|kind| kind.has_processes());
        let stores = stores.map(|kind| kind.name().to_owned());
        let links = self.links().into_iter().map(|link| link.to_string());
        let mut known: Vec<String> = match fault.target {
            Target::Link(_) => links.collect(),
            Target::Process(_) | Target::Backing(_) => processes.chain(stores).collect(),
        };
        if known.contains(&target) {
            let what = format!("nobody of the wiring calls `{target}`");
            return Err(Diagnostic::new(what)
                .hint(format!("the link of its users has to be named: `client -> {target}`"))
                .into());
        }
        known.dedup();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        Err(Diagnostic::new(format!("the wiring has no `{target}`"))
            .hint(did_you_mean(&target, known))
            .into())
    }

    /// Whether the arm has what a fault names.
    fn has(&self, fault: &Fault) -> bool {
        match fault.target {
            Target::Process(name) if !fault.what.is_of_links() => {
                self.processes.iter().any(|one| is(one, &name))
            }
            Target::Backing(kind) => self.backings.iter().any(|need| need.kind == kind),
            target => !self.links_of(target).is_empty(),
        }
    }
}

impl ArmLink<'_> {
    fn is(&self, named: &Link) -> bool {
        let is_caller = match (self.from, &named.from) {
            (None, Caller::Client) => true,
            (Some(process), Caller::Process(name)) => is(process, name),
            _ => false,
        };
        is_caller && self.to.is(&named.to)
    }
}

impl ArmEnd<'_> {
    fn is(&self, named: &Callee) -> bool {
        match (self, named) {
            (Self::Process(process), Callee::Process(name)) => is(process, name),
            (Self::Backing(need), Callee::Backing(kind)) => need.kind == *kind,
            _ => false,
        }
    }
}

fn is(process: &ProcessPlan, name: &ProcessName) -> bool {
    name.covers(process.shape, &process.name)
}

impl fmt::Display for ArmLink<'_> {
    /// `gateway -> links-2`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.from.map_or(CLIENT, |process| process.name.as_str());
        let to = match self.to {
            ArmEnd::Process(process) => process.name.as_str(),
            ArmEnd::Backing(need) => need.kind.name(),
        };
        write!(formatter, "{from} -> {to}")
    }
}

/// A fault applies to every arm: an arm without its target would be compared without the fault.
pub(super) fn every_arm_can_fail(faults: &[Fault], arms: &[ArmPlan]) -> Result<()> {
    for fault in faults {
        no_link_to_kafka(fault, arms)?;
        let Some(spared) = arms.iter().find(|arm| !arm.has(fault)) else { continue };
        let lacks = format!("the scenario has a fault ({fault}), and");
        let diagnostic = match fault.target {
            Target::Link(link) if arms.iter().all(|arm| !arm.has(fault)) => {
                Diagnostic::new(format!("{lacks} no arm has the link `{link}`")).hint(other_link(&link, arms))
            }
            Target::Link(link) => {
                lacking(&format!("{lacks} the arm `{}` has no link `{link}`", spared.label))
            }
            Target::Process(name) if spared.processes.iter().any(|process| is(process, &name)) => {
                let what = format!("{lacks} nobody calls `{name}` in the arm `{}`", spared.label);
                Diagnostic::new(what)
                    .hint(format!("the links of its users have to be named: `link = \"client -> {name}\"`"))
            }
            Target::Process(name) => {
                lacking(&format!("{lacks} the arm `{}` has no process `{name}`", spared.label))
            }
            Target::Backing(kind) => {
                let name = kind.name();
                let hint =
                    format!("hold an axis that gives every arm a {name}, or name other arms with `--arm`");
                Diagnostic::new(format!("{lacks} the arm `{}` has no {name}", spared.label)).hint(hint)
            }
        };
        return Err(diagnostic.into());
    }
    Ok(())
}

/// Nothing stands on a link to Kafka: a client leaves the address that it was given for the one that the broker
/// advertises.
fn no_link_to_kafka(fault: &Fault, arms: &[ArmPlan]) -> Result<()> {
    let is_kafka =
        |link: &ArmLink<'_>| matches!(link.to, ArmEnd::Backing(need) if need.kind == BackingKind::Kafka);
    let of = |arm: &ArmPlan| arm.links_of(fault.target).iter().any(is_kafka);
    if !fault.what.is_of_links() || !arms.iter().any(of) {
        return Ok(());
    }
    let what = format!(
        "`{}` cannot be done to {}: a client of Kafka goes to the address that the broker advertises, and no proxy \
         stands between them",
        fault.what.name(),
        fault.target,
    );
    let hint =
        "do it to the broker itself: `what = \"freeze\"` or `what = \"kill\"` with `backing = \"kafka\"`";
    Err(Diagnostic::new(what).hint(hint).into())
}

fn lacking(what: &str) -> Diagnostic {
    let hint =
        "a fault has to reach every arm: compare arms of one placement, or name other arms with `--arm`";
    Diagnostic::new(what).hint(hint)
}

/// The nearest link that an arm has, or all.
fn other_link(link: &Link, arms: &[ArmPlan]) -> String {
    let mut known: Vec<_> = arms.iter().flat_map(ArmPlan::links).map(|link| link.to_string()).collect();
    known.sort();
    known.dedup();
    did_you_mean(&link.to_string(), known.iter().map(String::as_str).collect::<Vec<_>>())
}
