//! The stores and brokers of an arm: each arm has its own, so that the cost of one is never the other's.

pub mod kafka;
mod kept;
mod lent;
pub mod postgres;
pub mod redis;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use runtime::BackingKind;
use scenario::plan::Plan;

use self::lent::Lent;
use super::{child::Child, start::Start, victim::Processes};
use crate::{
    arm::{BackingChoices, Lacking, RunningBacking, StartError},
    measure::{Group, Part, Scope},
};

/// How long a backing may take to end: a database writes a checkpoint.
const END_WITHIN: Duration = Duration::from_secs(15);

/// A store or broker of an arm whose processes are the lab's: what is told of it, and what is held to end it.
pub(super) struct OwnBacking {
    pub(super) kind: BackingKind,
    /// Where it came from, in words.
    provider: String,
    /// What a reader of the figures has to know about it, if anything.
    caveat: Option<String>,
    /// What it writes on its standard output and error, if it is a process of the lab's.
    log: Option<PathBuf>,
    /// For each role its address, as a process is told it.
    pub(super) addresses: Vec<(String, String)>,
    child: Option<Child>,
    /// Whether that child is the keeper of a server, and not the server itself.
    kept: bool,
    /// What was made on a given server.
    lent: Option<Lent>,
}

impl BackingChoices {
    /// The arms of a plan that this machine cannot have as processes, with what they lack.
    pub fn lacking<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a str, Lacking)> {
        plan.arms.iter().filter_map(|arm| {
            let lacking = arm.backings.iter().find_map(|need| self.lacks(need.kind))?;
            Some((arm.label.as_str(), lacking))
        })
    }

    /// What is missing for a backing of that kind, as far as that can be known without starting one.
    pub fn lacks(&self, kind: BackingKind) -> Option<Lacking> {
        match kind {
            BackingKind::Postgres if self.postgres_url.is_none() => postgres::lacking(),
            BackingKind::Redis if self.redis_url.is_none() => redis::lacking(),
            _ => None,
        }
    }
}

/// Starts what an arm needs.
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
    for kind in [BackingKind::Sqlite, BackingKind::Postgres, BackingKind::Redis, BackingKind::Kafka] {
        let roles = roles(kind);
        if roles.is_empty() {
            continue;
        }
        running.push(match kind {
            BackingKind::Sqlite => sqlite(&roles, folder)?,
            BackingKind::Postgres => postgres::provide(start, &roles, folder)?,
            BackingKind::Redis => redis::provide(start, &roles, folder)?,
            BackingKind::Kafka => kafka::provide(start, &roles, folder)?,
        });
    }
    Ok(running)
}

/// A database file a role; the processes that use it create it.
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

/// A role as a name of files and databases: `database/links` becomes `database_links`.
fn identifier(role: &str) -> String {
    role.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

impl OwnBacking {
    /// One that is no process of the lab's, and of which there is nothing to say.
    fn new(kind: BackingKind, provider: impl Into<String>, addresses: Vec<(String, String)>) -> Self {
        Self {
            kind,
            provider: provider.into(),
            caveat: None,
            log: None,
            addresses,
            child: None,
            kept: false,
            lent: None,
        }
    }

    /// What is told of it.
    pub(super) fn described(&self) -> RunningBacking {
        RunningBacking {
            kind: self.kind,
            provider: self.provider.clone(),
            caveat: self.caveat.clone(),
            log: self.log.clone(),
        }
    }

    /// Its processes, if they are the arm's own and apart from the services.
    pub(super) fn group(&self) -> Option<Group> {
        let child = self.child.as_ref()?;
        Some(Group {
            name: self.kind.name().to_owned(),
            part: Part::Backing(self.kind),
            scope: Scope::Family(child.pid()),
        })
    }

    /// Its processes, to do harm to; none if they are not the arm's own.
    pub(super) fn victim(&self) -> Option<Processes> {
        let pid = self.child.as_ref()?.pid();
        Some(if self.kept { Processes::BelowKeeper(pid) } else { Processes::Alone(pid) })
    }

    pub(super) fn child(&mut self) -> Option<&mut Child> {
        self.child.as_mut()
    }

    /// Ends it; whether it ended by itself.
    pub(super) fn stop(&mut self) -> bool {
        drop(self.lent.take());
        let Some(mut child) = self.child.take() else {
            return true;
        };
        child.ask_to_end();
        child.wait(END_WITHIN)
    }
}
