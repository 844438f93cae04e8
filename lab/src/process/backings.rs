//! The stores and brokers of an arm: each arm has its own, so that the cost of one is never the other's.

pub mod kafka;
pub(super) mod kept;
pub(super) mod lent;
pub mod redis;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use runtime::BackingKind;

use self::lent::Lent;
use super::{Group, Part, Scope, Victim, arm::Start, child::Child, postgres};
use crate::complaint::Complaint;

/// How long a backing may take to end: a database writes a checkpoint.
const END_WITHIN: Duration = Duration::from_secs(15);

/// Stores and brokers that are given by address instead of being started, and how others are started.
#[derive(Clone, Debug, Default)]
pub struct BackingChoices {
    /// A Postgres server whose user may create databases: `postgres://user:password@host:port/postgres`.
    pub postgres_url: Option<String>,
    /// A Redis server: `redis://[:password@]host:port[/database]`.
    pub redis_url: Option<String>,
    /// A Kafka broker: `kafka://host:port`.
    pub kafka_url: Option<String>,
    /// The folder in which Kafka was unpacked; none: it is looked for in the usual places.
    pub kafka_home: Option<PathBuf>,
    /// The folder of a Java runtime; none: `java` is looked for on the PATH.
    pub java_home: Option<PathBuf>,
    /// Whether the embedded broker is used even where a real one can be started.
    pub embedded_kafka: bool,
}

/// A store or broker of an arm that is up.
pub struct RunningBacking {
    /// What it is.
    pub kind: BackingKind,
    /// Where it came from, in words: `embedded`, `native, Redis 7.0.15`, `given`.
    pub provider: String,
    /// What a reader of the figures has to know about it, if anything.
    pub caveat: Option<String>,
    /// What it writes on its standard output and error, if it is a process of the lab's.
    pub log: Option<PathBuf>,
    /// For each role its address, as a process is told it.
    pub(super) addresses: Vec<(String, String)>,
    pub(super) child: Option<Child>,
    /// Whether that child is the keeper of a server, and not the server itself.
    pub(super) kept: bool,
    /// What was made on a given server.
    pub(super) lent: Option<Lent>,
}

/// Why an arm cannot be had.
pub(crate) enum Cannot {
    /// Something that this machine does not offer: other arms go on.
    Skip {
        /// What is missing.
        why: String,
        /// How to get it.
        hint: String,
    },
    /// An error.
    Fail(anyhow::Error),
}

impl From<Complaint> for Cannot {
    fn from(complaint: Complaint) -> Self {
        Self::Fail(complaint.into())
    }
}

impl From<anyhow::Error> for Cannot {
    fn from(error: anyhow::Error) -> Self {
        Self::Fail(error)
    }
}

/// What this machine does not offer, and how to get it.
pub struct Lacking {
    /// What is missing.
    pub why: &'static str,
    /// How to get it.
    pub hint: &'static str,
}

impl From<Lacking> for Cannot {
    fn from(lacking: Lacking) -> Self {
        Self::Skip { why: lacking.why.to_owned(), hint: lacking.hint.to_owned() }
    }
}

impl BackingChoices {
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
pub(super) fn provide(start: &Start<'_>, folder: &Path) -> Result<Vec<RunningBacking>, Cannot> {
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
fn sqlite(roles: &[String], folder: &Path) -> Result<RunningBacking, Cannot> {
    let files = folder.join("sqlite");
    std::fs::create_dir_all(&files).map_err(anyhow::Error::from)?;
    let addresses = roles
        .iter()
        .map(|role| {
            let path = files.join(format!("{}.db", identifier(role)));
            (role.clone(), format!("sqlite:{}", path.display()))
        })
        .collect();
    Ok(RunningBacking::new(BackingKind::Sqlite, "embedded", addresses))
}

/// A role as a name of files and databases: `database/links` becomes `database_links`.
pub(super) fn identifier(role: &str) -> String {
    role.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

impl RunningBacking {
    /// One that is no process of the lab's, and of which there is nothing to say.
    pub(super) fn new(
        kind: BackingKind,
        provider: impl Into<String>,
        addresses: Vec<(String, String)>,
    ) -> Self {
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

    /// One that runs outside of the lab's own processes, as in a container.
    pub(crate) fn elsewhere(kind: BackingKind, provider: String) -> Self {
        Self::new(kind, provider, Vec::new())
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
    pub(super) fn victim(&self) -> Option<Victim> {
        let pid = self.child.as_ref()?.pid();
        Some(if self.kept { Victim::Kept(pid) } else { Victim::Alone(pid) })
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
