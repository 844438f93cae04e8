//! The stores and brokers of an arm: each arm has its own, so that no arm pays for another's.

mod cleanup_guard;
pub mod kafka;
pub mod postgres;
mod provider;
pub mod redis;
mod throwaway;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use design::BackingKind;
use scenario::{diagnostic::Diagnostic, plan::Plan};

use self::cleanup_guard::CleanupGuard;
use super::{child::SharedChild, start::Start, victim::Processes};
use crate::{
    arm::{BackingChoices, Lacking, RunningBacking, StartError},
    measure::{Group, Part, Scope},
};

/// The time limit for a backing to end: a database writes a checkpoint.
const END_WITHIN: Duration = Duration::from_secs(15);

/// The order in which they start.
const START_ORDER: [BackingKind; 5] = [
    BackingKind::Sqlite,
    BackingKind::Postgres,
    BackingKind::Redis,
    BackingKind::Kafka,
    BackingKind::Provider,
];

/// A store or broker of an arm on the `process` runtime: its description, and the handles that end it.
pub(super) struct OwnBacking {
    pub(super) kind: BackingKind,
    /// Its origin, as text.
    provider: String,
    /// A note for readers of its figures, if there is one.
    caveat: Option<String>,
    /// The file with its standard output and error, if the lab started it.
    log: Option<PathBuf>,
    /// The address for each role.
    pub(super) addresses: Vec<(String, String)>,
    child: Option<SharedChild>,
    /// Whether the child is the keeper of a server, and not the server itself.
    kept: bool,
    /// The databases or keys that the lab created on a given server.
    cleanup_guard: Option<CleanupGuard>,
}

impl BackingChoices {
    /// The arms of a plan that this machine cannot run as processes, with what it lacks.
    pub fn lacking<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a str, Lacking)> {
        plan.arms.iter().filter_map(|arm| {
            let lacking = arm.backings.iter().find_map(|need| self.lacks(need.kind))?;
            Some((arm.label.as_str(), lacking))
        })
    }

    /// The missing requirement of a kind of backing, as far as it is known without starting one.
    pub fn lacks(&self, kind: BackingKind) -> Option<Lacking> {
        match kind {
            BackingKind::Postgres if self.postgres_url.is_none() => postgres::lacking(),
            BackingKind::Redis if self.redis_url.is_none() => redis::lacking(),
            _ => None,
        }
    }

    /// Why a fault cannot be done to a kind of backing, as far as that is known without starting one: a given server is not
    /// the arm's own, and the embedded broker keeps nothing on disk.
    pub fn spares(&self, kind: BackingKind, is_killed: bool) -> Option<Diagnostic> {
        let given = match kind {
            BackingKind::Postgres => &self.postgres_url,
            BackingKind::Redis => &self.redis_url,
            BackingKind::Kafka => &self.kafka_url,
            BackingKind::Sqlite | BackingKind::Provider => &None,
        };
        let name = kind.name();
        if given.is_some() {
            let what = format!("the {name} was given, and others may use it");
            return Some(
                Diagnostic::new(what).hint(format!("leave `--{name}-url` out, and its variable as well")),
            );
        }
        let keeps_nothing = is_killed && kind == BackingKind::Kafka && kafka::is_embedded(self);
        keeps_nothing.then(|| {
            Diagnostic::new("there is no Kafka here, and the embedded broker would lose everything")
                .hint(kafka::HOW_TO_GET)
        })
    }
}

/// Starts the backings of an arm.
pub(super) fn provide(start: &Start<'_>, folder: &Path) -> Result<Vec<OwnBacking>, StartError> {
    let roles = |kind: BackingKind| {
        start
            .arm
            .backings
            .iter()
            .filter(|need| need.kind == kind)
            .map(|need| need.role.clone())
            .collect::<Vec<_>>()
    };
    let mut running = Vec::new();
    for kind in START_ORDER {
        let roles = roles(kind);
        if roles.is_empty() {
            continue;
        }
        running.push(match kind {
            BackingKind::Sqlite => sqlite(&roles, folder)?,
            BackingKind::Postgres => postgres::provide(start, &roles, folder)?,
            BackingKind::Redis => redis::provide(start, &roles, folder)?,
            BackingKind::Kafka => kafka::provide(start, &roles, folder)?,
            BackingKind::Provider => provider::provide(start, &roles, folder)?,
        });
    }
    Ok(running)
}

/// A database file for each role; the processes that use it create it.
fn sqlite(roles: &[String], folder: &Path) -> Result<OwnBacking, StartError> {
    let files = folder.join("sqlite");
    std::fs::create_dir_all(&files).map_err(anyhow::Error::from)?;
    let addresses = roles
        .iter()
        .map(|role| {
            let path = files.join(format!("{}.db", identifier(role)));
            (role.clone(), format!("sqlite:{}", path.display()))
        })
        .collect();
    Ok(OwnBacking::new(BackingKind::Sqlite, "embedded", addresses))
}

/// A role as a name for files and databases: `database/links` becomes `database_links`.
fn identifier(role: &str) -> String {
    role.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

impl OwnBacking {
    /// A backing without a process of the lab's, and without a note.
    fn new(kind: BackingKind, provider: impl Into<String>, addresses: Vec<(String, String)>) -> Self {
        Self {
            kind,
            provider: provider.into(),
            caveat: None,
            log: None,
            addresses,
            child: None,
            kept: false,
            cleanup_guard: None,
        }
    }

    /// Its description.
    pub(super) fn described(&self) -> RunningBacking {
        RunningBacking {
            kind: self.kind,
            provider: self.provider.clone(),
            caveat: self.caveat.clone(),
            log: self.log.clone(),
        }
    }

    /// Its processes, if they are the arm's own and separate from the services.
    pub(super) fn group(&self) -> Option<Group> {
        let child = self.child.as_ref()?.lock();
        Some(Group {
            name: self.kind.name().to_owned(),
            part: Part::Backing(self.kind),
            scope: Scope::Family(child.tracked().clone()),
        })
    }

    /// Its processes as victims of faults; `None` if they are not the arm's own.
    pub(super) fn processes(&self) -> Option<Processes> {
        let tracked = self.child.as_ref()?.lock().tracked().clone();
        Some(if self.kept { Processes::below(tracked) } else { Processes::Alone(tracked) })
    }

    /// The keeper that can kill its server and start it again with its data.
    pub(super) fn keeper(&self) -> Result<SharedChild> {
        let keeper = self.child.as_ref().filter(|_| self.kept).cloned();
        keeper.ok_or_else(|| {
            let what =
                format!("the {} keeps nothing on disk: killed, it would lose everything", self.provider);
            Diagnostic::new(what)
                .hint("freeze it instead, or let the lab find a native one: see `lab doctor`")
                .into()
        })
    }

    pub(super) fn child(&self) -> Option<&SharedChild> {
        self.child.as_ref()
    }

    /// Stops it; returns whether it ended by itself.
    pub(super) fn stop(&mut self) -> bool {
        drop(self.cleanup_guard.take());
        let Some(child) = self.child.take() else {
            return true;
        };
        let mut child = child.lock();
        child.ask_to_end();
        child.wait(END_WITHIN)
    }
}
