//! The faults of a scenario, injected into a part of every arm during the measurement: their shape in a file, and
//! their constraints.
//!
//! A fault is within an episode, because only there one arm is loaded for long enough to show a fault and the
//! recovery.
//! Whether the arms have what a fault names is checked when they are known: by the plan.
//!
//! Read in this order: this file (the model), `kind` (what is done), `target` (to what), `by_hand` (without a file).

mod by_hand;
mod kind;
mod target;

use std::{fmt, time::Duration};

pub use by_hand::FaultByHand;
use design::System;
pub use kind::{ErrorReply, FaultKind};
use proxy::{Directions, Distribution};
use serde::Deserialize;
pub use target::{CLIENT, Callee, Caller, Link, ProcessName, Target};
use toml::Spanned;

use super::{Kind, LoadSpec, ScenarioFault, fault::Source};

/// The most faults of one scenario; more would leave no time between them.
const MAX_FAULTS: usize = 16;

/// One fault, injected in each episode, in every arm.
///
/// Invariant: it begins and ends within the measured slice of an episode; no two faults of one target overlap, nor two
/// of one link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// Its start, from the start of the measured slice.
    pub at: Duration,
    /// Its duration.
    pub lasts: Duration,
    /// Its kind.
    pub what: FaultKind,
    /// What it is done to.
    pub target: Target,
}

impl Fault {
    /// Its end, from the start of the measured slice.
    pub fn until(&self) -> Duration {
        self.at + self.lasts
    }

    /// Whether a service process loses what it counted in memory.
    pub fn forgets_counts(&self) -> bool {
        self.what == FaultKind::Kill && matches!(self.target, Target::Process(_))
    }

    /// Whether both are done to one thing: the same target, or processes or links that both are done to.
    pub fn is_of_one_thing(&self, other: &Self) -> bool {
        let is_alike = self.what.is_of_links() == other.what.is_of_links();
        self.target == other.target || (is_alike && self.target.meets(other.target))
    }

    /// Whether both are in force at once on one thing.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.is_of_one_thing(other) && self.at < other.until() && other.at < self.until()
    }
}

impl fmt::Display for Fault {
    /// `redis is frozen from 3000 ms to 5000 ms of each episode`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, target, .. } = self;
        let (at, until) = (self.at.as_millis(), self.until().as_millis());
        write!(formatter, "{target} is {what} from {at} ms to {until} ms of each episode")
    }
}

/// The shape of one of a scenario's `[[faults]]`: when, what, to what, and the parameters of all kinds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultFile {
    at_ms: u64,
    for_ms: Spanned<u64>,
    what: Spanned<kind::What>,
    backing: Option<Spanned<String>>,
    process: Option<Spanned<String>>,
    link: Option<Spanned<target::LinkFile>>,
    latency_ms: Option<Spanned<f64>>,
    latency: Option<Spanned<Distribution>>,
    share: Option<Spanned<f64>>,
    reply: Option<Spanned<kind::ErrorReply>>,
    bytes_per_second: Option<Spanned<u64>>,
    reads: Option<Spanned<bool>>,
    down_ms: Option<Spanned<u64>>,
    up_ms: Option<Spanned<u64>>,
    direction: Option<Spanned<Directions>>,
}

/// Validates the faults of a scenario: each within an episode and apart from the others.
pub(super) fn checked(
    source: &Source<'_>,
    system: &System,
    kind: Kind,
    load: &LoadSpec,
    files: &[Spanned<FaultFile>],
) -> Result<Vec<Fault>, ScenarioFault> {
    if let (Some(first), true) = (files.first(), kind != Kind::Episodes) {
        let hint = "say `kind = \"episodes\"`: elsewhere load is on an arm for a moment at a time, and a fault would \
                    pass while it is another's turn";
        return Err(source.at(&first.span(), "only `episodes` have `[[faults]]`", hint.to_owned()));
    }
    if let Some(one_too_many) = files.get(MAX_FAULTS) {
        let what = format!("a scenario has at most {MAX_FAULTS} `[[faults]]`, found {}", files.len());
        return Err(source.at(&one_too_many.span(), what, None));
    }
    let mut faults: Vec<Fault> = Vec::new();
    for file in files {
        let fault = one(source, system, load, file)?;
        if let Some(other) = faults.iter().find(|other| other.overlaps(&fault)) {
            let what = format!("two faults of one target overlap: {other}, and {fault}");
            return Err(source.at(&file.span(), what, "end the one before the other begins".to_owned()));
        }
        faults.push(fault);
    }
    Ok(faults)
}

fn one(
    source: &Source<'_>,
    system: &System,
    load: &LoadSpec,
    spanned: &Spanned<FaultFile>,
) -> Result<Fault, ScenarioFault> {
    let file = spanned.get_ref();
    let (at, lasts) = (Duration::from_millis(file.at_ms), kind::lasts(source, &file.for_ms)?);
    let episode = load.slice();
    if at.saturating_add(lasts) > episode {
        let what = format!(
            "the fault lasts from {} ms to {} ms, and an episode only to {} ms",
            file.at_ms,
            at.saturating_add(lasts).as_millis(),
            episode.as_millis(),
        );
        let hint = "`slice_ms` in `[load]`, or its phases, are the length of an episode; leave time after the fault to see the arm \
                    recover";
        return Err(source.at(&file.for_ms.span(), what, hint.to_owned()));
    }
    let (what, target) = done_to(source, system, spanned)?;
    Ok(Fault { at, lasts, what, target })
}

/// What is done, and to what.
fn done_to(
    source: &Source<'_>,
    system: &System,
    spanned: &Spanned<FaultFile>,
) -> Result<(FaultKind, Target), ScenarioFault> {
    let file = spanned.get_ref();
    let what = kind::checked(source, &file.what, &file.parameters())?;
    let target = target(source, system, spanned)?;
    suits(source, file, &what, target)?;
    Ok((what, target))
}

impl FaultFile {
    fn parameters(&self) -> kind::Parameters<'_> {
        kind::Parameters {
            latency_ms: self.latency_ms.as_ref(),
            latency: self.latency.as_ref(),
            share: self.share.as_ref(),
            reply: self.reply.as_ref(),
            bytes_per_second: self.bytes_per_second.as_ref(),
            reads: self.reads.as_ref(),
            down_ms: self.down_ms.as_ref(),
            up_ms: self.up_ms.as_ref(),
            direction: self.direction.as_ref(),
        }
    }
}

/// Exactly one target.
fn target(source: &Source<'_>, system: &System, file: &Spanned<FaultFile>) -> Result<Target, ScenarioFault> {
    match (&file.get_ref().backing, &file.get_ref().process, &file.get_ref().link) {
        (Some(name), None, None) => target::backing(source, name).map(Target::Backing),
        (None, Some(name), None) => target::process(source, system, name).map(Target::Process),
        (None, None, Some(link)) => target::link(source, system, link).map(Target::Link),
        (None, None, None) => {
            let hint = "add `backing = \"redis\"`, `process = \"links\"` or `link = \"gateway -> links\"`"
                .to_owned();
            Err(source.at(&file.span(), "a fault needs a target", hint))
        }
        _ => {
            let hint = "write a fault for each".to_owned();
            Err(source.at(&file.span(), "a fault has one target: `backing`, `process` or `link`", hint))
        }
    }
}

/// A link has no process that could be killed, and only a process answers.
fn suits(
    source: &Source<'_>,
    file: &FaultFile,
    what: &FaultKind,
    target: Target,
) -> Result<(), ScenarioFault> {
    let refused = |hint: &str| {
        let name = what.name();
        Err(source.at(
            &file.what.span(),
            format!("`{name}` cannot be done to {}", described(target)),
            hint.to_owned(),
        ))
    };
    match (what, target) {
        (FaultKind::Kill | FaultKind::Freeze, Target::Link(_)) => {
            refused("name one of its ends as `process` or `backing`, or cut the link with `partition`")
        }
        (FaultKind::Errors { .. }, Target::Link(_) | Target::Backing(_)) => {
            refused("errors are replies of a service: name a `process`")
        }
        _ => Ok(()),
    }
}

fn described(target: Target) -> String {
    match target {
        Target::Process(name) => format!("the process `{name}`"),
        Target::Backing(kind) => format!("the backing `{}`", kind.name()),
        Target::Link(link) => format!("the link `{link}`"),
    }
}

#[cfg(test)]
mod tests;
