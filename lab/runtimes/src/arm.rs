//! An arm that is up, whatever runs it: a public address, processes with their internal servers, stores and brokers, and
//! a [`RunningRuntime`] that says what to measure, whom to harm and what has ended, and that stops it.
//!
//! Read in this order: this file, `options` (what it takes to start one, and why it cannot be had), `log` (what its
//! processes write), `ready` (waiting for them), `passwords` (what of an address is shown).

mod log;
mod options;
mod passwords;
mod ready;

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::SystemTime};

use anyhow::Result;
use runtime::BackingKind;
use scenario::complaint::Complaint;

use crate::{
    measure::{Group, Part},
    traces::Receiver,
};

pub use log::{FileLog, Log, LogTail};
pub(crate) use options::StartError;
pub use options::{BackingChoices, Lacking, LaunchOptions, READY_WITHIN};
pub use passwords::without_passwords;
pub(crate) use ready::{NotReady, wait};

/// An arm that is up. Dropping it stops it.
pub struct RunningArm {
    /// Its name in the plan.
    pub name: String,
    /// What a report calls it.
    pub label: String,
    /// Where its public API is, for the generator.
    pub public: SocketAddr,
    /// Where it is for people, if that is another address: a container's is published on loopback.
    pub published: Option<SocketAddr>,
    /// Its processes, the one with the edge first.
    pub processes: Vec<RunningProcess>,
    /// Its stores and brokers.
    pub backings: Vec<RunningBacking>,
    /// Where its spans arrive, if it traces.
    pub receiver: Option<Receiver>,
    /// What runs it.
    pub runtime: Box<dyn RunningRuntime>,
}

/// What runs one arm: children of the lab, or a compose project.
pub trait RunningRuntime: Send {
    /// What to measure: the services first, then the backings that run on this machine for this arm alone.
    fn groups(&self) -> Vec<Group>;

    /// The backing of a kind, to do harm to; none if others use it as well.
    fn victim(&self, kind: BackingKind) -> Option<Box<dyn Victim>>;

    /// The processes and backings that ended although nobody asked them to. Cheap: one system call a process.
    fn ended(&mut self) -> Vec<Ended>;

    /// Stops all of it and removes what it made; the names of those that had to be killed. What is stopped already stays
    /// so.
    fn stop(&mut self) -> Vec<String>;
}

/// A backing of an arm as something to do harm to, and to undo it: by any thread, while others watch the arm.
///
/// Shown as its owner finds it: `pid 4711`, `container lab-shortener-redis-1`.
pub trait Victim: fmt::Display + Send {
    /// Makes all of it stand still, and returns when it does.
    fn freeze(&self) -> Result<()>;

    /// Lets all of it go on. What was not frozen does not notice.
    fn thaw(&self) -> Result<()>;
}

/// A service process that is up.
#[derive(Clone, Debug)]
pub struct RunningProcess {
    /// Unique in the arm: `gateway`, or `links-2` for the second of several copies.
    pub name: String,
    /// The components that it hosts.
    pub components: &'static [&'static str],
    /// Its process id.
    pub pid: u32,
    /// Where it serves health and metrics.
    pub internal: SocketAddr,
    /// Where it serves the public API, if it hosts the edge.
    pub public: Option<SocketAddr>,
    /// What it writes on its standard output and error.
    pub log: Arc<dyn Log>,
    /// The wiring file that it was started with.
    pub host_file: PathBuf,
}

/// A store or broker of an arm that is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningBacking {
    /// What it is.
    pub kind: BackingKind,
    /// Where it came from, in words: `embedded`, `native, Redis 7.0.15`, `given`.
    pub provider: String,
    /// What a reader of the figures has to know about it, if anything.
    pub caveat: Option<String>,
    /// What it writes on its standard output and error, if it is a process of the lab's.
    pub log: Option<PathBuf>,
}

/// How a process ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its name: `links`.
    pub process: String,
    /// In words: `exit status: 1`, `signal: 9 (SIGKILL)`.
    pub how: String,
    /// Whether it ended with exit code 0.
    pub succeeded: bool,
    /// When it was seen to have ended; within the interval at which the lab looks.
    pub at: SystemTime,
    /// The last lines of its log.
    pub last_words: LogTail,
}

impl RunningArm {
    /// Where its public API is for people, as a URL without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.published.unwrap_or(self.public))
    }

    /// Its processes as groups to measure: the services first, then the backings that run on this machine for it alone.
    pub fn groups(&self) -> Vec<Group> {
        self.runtime.groups()
    }

    /// Its backing of a kind, to do harm to.
    ///
    /// Fails where that is not the arm's own: others use a given server as well.
    pub fn victim(&self, kind: BackingKind) -> Result<Box<dyn Victim>> {
        self.runtime.victim(kind).ok_or_else(|| {
            let name = kind.name();
            let what = format!("the {name} of `{}` is not its own, so nothing is done to it", self.label);
            let hint = format!("leave `--{name}-url` out: each arm then has a {name} of its own");
            Complaint::new(what).hint(hint).into()
        })
    }

    /// What was written for its processes: name and file, for the run's folder. Passwords are left out.
    pub fn host_file_texts(&self) -> Vec<(String, String)> {
        self.processes
            .iter()
            .filter_map(|process| {
                let text = std::fs::read_to_string(&process.host_file).ok()?;
                Some((process.name.clone(), without_passwords(&text)))
            })
            .collect()
    }
}

impl Drop for RunningArm {
    fn drop(&mut self) {
        self.runtime.stop();
    }
}

impl RunningProcess {
    /// What it is in its arm.
    pub(crate) fn part(&self) -> Part {
        Part::Service { components: self.components.to_vec(), edge: self.public.is_some() }
    }
}
