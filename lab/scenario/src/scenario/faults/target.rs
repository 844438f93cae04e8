//! What a fault is done to: a process, a backing, or a link between two of them.

use std::fmt;

use design::{BackingKind, ReplicaCount, System};
use serde::Deserialize;
use toml::Spanned;

use super::super::{ScenarioFault, fault::Source};
use crate::diagnostic::did_you_mean;

/// The kinds of backing with their own processes.
pub(super) const KINDS: [BackingKind; 4] =
    [BackingKind::Postgres, BackingKind::Redis, BackingKind::Kafka, BackingKind::Provider];

/// The users of the public API, as the caller of a link.
pub const CLIENT: &str = "client";

/// What a fault is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A process of the placement; a fault of links is then on every link to it from another process.
    Process(ProcessName),
    /// A store or broker; a fault of links is then on every link to it.
    Backing(BackingKind),
    /// One link.
    Link(Link),
}

/// From whom to whom calls go: `gateway -> links`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Who calls.
    pub from: Caller,
    /// Who is called.
    pub to: Callee,
}

/// Who calls over a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The users of the public API: `client`.
    Client,
    /// A process.
    Process(ProcessName),
}

/// Who is called over a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A process.
    Process(ProcessName),
    /// A store or broker.
    Backing(BackingKind),
}

/// A process of a placement: all replicas, `links`, or one of them, `links-2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessName {
    /// Its name in the placement.
    pub shape: &'static str,
    /// The number of the replica, from 1; all if absent.
    pub replica: Option<u32>,
}

/// A link in a file: `"gateway -> links"`, or its two ends.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a link: `\"gateway -> links\"`, or `{ from = \"gateway\", to = \"links\" }`"
)]
pub(super) enum LinkFile {
    /// Both in one text.
    Arrow(String),
    /// Each by its key.
    Ends(Ends),
}

/// The ends of a link.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ends {
    from: String,
    to: String,
}

impl Target {
    /// Whether something of an arm is part of both.
    pub(super) fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Process(one), Self::Process(other)) => one.meets(other),
            (Self::Backing(one), Self::Backing(other)) => one == other,
            (Self::Link(one), Self::Link(other)) => one.meets(other),
            (Self::Link(link), part) | (part, Self::Link(link)) => link.leads_to(part),
            (Self::Process(_), Self::Backing(_)) | (Self::Backing(_), Self::Process(_)) => false,
        }
    }
}

impl Link {
    fn meets(self, other: Self) -> bool {
        let callers_meet = match (self.from, other.from) {
            (Caller::Process(one), Caller::Process(other)) => one.meets(other),
            (one, other) => one == other,
        };
        callers_meet && self.leads_to(other.to.into())
    }

    fn leads_to(self, part: Target) -> bool {
        match (self.to, part) {
            (Callee::Process(one), Target::Process(other)) => one.meets(other),
            (Callee::Backing(one), Target::Backing(other)) => one == other,
            _ => false,
        }
    }
}

impl ProcessName {
    /// Whether this is the process with that name in an arm, where replicas are numbered.
    pub fn covers(&self, shape: &str, name: &str) -> bool {
        let is_replica = |replica| name == format!("{shape}-{replica}") || (replica == 1 && name == shape);
        self.shape == shape && self.replica.is_none_or(is_replica)
    }

    fn meets(self, other: Self) -> bool {
        let replicas = self.replica.zip(other.replica);
        self.shape == other.shape && replicas.is_none_or(|(one, other)| one == other)
    }
}

impl From<Callee> for Target {
    fn from(callee: Callee) -> Self {
        match callee {
            Callee::Process(name) => Self::Process(name),
            Callee::Backing(kind) => Self::Backing(kind),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(name) => name.fmt(formatter),
            Self::Backing(kind) => formatter.write_str(kind.name()),
            Self::Link(link) => link.fmt(formatter),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            Caller::Client => formatter.write_str(CLIENT),
            Caller::Process(name) => name.fmt(formatter),
        }?;
        write!(formatter, " -> {}", Target::from(self.to))
    }
}

impl fmt::Display for ProcessName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.shape)?;
        self.replica.map_or(Ok(()), |replica| write!(formatter, "-{replica}"))
    }
}

/// A backing with a process of its own.
pub(super) fn backing(source: &Source<'_>, name: &Spanned<String>) -> Result<BackingKind, ScenarioFault> {
    let (word, span) = (name.get_ref().as_str(), name.span());
    if word == BackingKind::Sqlite.name() {
        let hint = "SQLite is a file, and runs within the processes that use it".to_owned();
        return Err(source.at(&span, "`sqlite` has no process of its own that could fail", hint));
    }
    KINDS.into_iter().find(|kind| kind.name() == word).ok_or_else(|| {
        let what = format!("there is no kind of backing `{word}`");
        source.at(&span, what, did_you_mean(word, KINDS.map(BackingKind::name)))
    })
}

/// The kinds of backings with processes of their own that a wiring of the system may have.
fn kind_names(system: &System) -> Vec<&'static str> {
    let may_need = |kind: &BackingKind| {
        system.axes.iter().flat_map(|axis| axis.values).any(|value| value.needs == Some(*kind))
    };
    KINDS.into_iter().filter(may_need).map(BackingKind::name).collect()
}

/// A process of one of the system's placements.
pub(super) fn process(
    source: &Source<'_>,
    system: &System,
    name: &Spanned<String>,
) -> Result<ProcessName, ScenarioFault> {
    let word = name.get_ref();
    process_name(system, word).ok_or_else(|| {
        let what = format!("no placement of `{}` has a process `{word}`", system.name);
        source.at(&name.span(), what, did_you_mean(word, shape_names(system)))
    })
}

/// A link whose ends are processes of the system's placements, backings, or the client.
pub(super) fn link(
    source: &Source<'_>,
    system: &System,
    file: &Spanned<LinkFile>,
) -> Result<Link, ScenarioFault> {
    let span = file.span();
    let (from, to) = match file.get_ref() {
        LinkFile::Ends(ends) => (ends.from.as_str(), ends.to.as_str()),
        LinkFile::Arrow(text) => {
            text.split_once("->").map(|(from, to)| (from.trim(), to.trim())).ok_or_else(|| {
                let hint = "write `link = \"gateway -> links\"`: who calls, and who is called".to_owned();
                source.at(&span, format!("`{text}` is no link"), hint)
            })?
        }
    };
    let unknown = |word: &str, others: &[&'static str]| {
        let known = [shape_names(system).as_slice(), others].concat();
        let what = format!("no link of `{}` has an end `{word}`", system.name);
        source.at(&span, what, did_you_mean(word, known))
    };
    let kind = |word: &str| KINDS.into_iter().find(|kind| kind.name() == word);
    if kind(from).is_some() {
        let hint = format!("the one that calls comes first: `... -> {from}`");
        return Err(source.at(&span, format!("`{from}` calls nobody"), hint));
    }
    let named =
        |word, others: &[&'static str]| process_name(system, word).ok_or_else(|| unknown(word, others));
    let from = if from == CLIENT { Caller::Client } else { Caller::Process(named(from, &[CLIENT])?) };
    let to = if let Some(kind) = kind(to) {
        Callee::Backing(kind)
    } else {
        Callee::Process(named(to, &kind_names(system))?)
    };
    Ok(Link { from, to })
}

/// Every process of the system's placements, and whether it may have replicas; once each.
fn shapes(system: &System) -> Vec<(&'static str, bool)> {
    let mut shapes: Vec<(&'static str, bool)> = Vec::new();
    for shape in system.placements.iter().flat_map(|placement| placement.processes) {
        if !shapes.iter().any(|(name, _)| *name == shape.name) {
            shapes.push((shape.name, shape.replicas == ReplicaCount::ByAxis));
        }
    }
    shapes
}

fn shape_names(system: &System) -> Vec<&'static str> {
    shapes(system).into_iter().map(|(shape, _)| shape).collect()
}

/// `links`, or `links-2` where it may have replicas.
fn process_name(system: &System, word: &str) -> Option<ProcessName> {
    let all = shapes(system);
    if let Some(&(shape, _)) = all.iter().find(|(shape, _)| *shape == word) {
        return Some(ProcessName { shape, replica: None });
    }
    let (base, number) = word.rsplit_once('-')?;
    let replica = number.parse().ok().filter(|replica| *replica > 0 && !number.starts_with('0'))?;
    let &(shape, _) = all.iter().find(|(shape, has_replicas)| *shape == base && *has_replicas)?;
    Some(ProcessName { shape, replica: Some(replica) })
}
