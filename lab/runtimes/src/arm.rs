//! A running arm, on any runtime: a public address, processes with their internal servers, stores and
//! brokers, and a [`RunningRuntime`] that lists what to measure, finds victims for faults, reports what has
//! ended, and stops it.
//!
//! Read in this order: this file, `public` (where its public API is), `options` (the options of a start, and its errors), `log` (the processes'
//! output), `ready` (waiting for readiness), `passwords` (hiding them in addresses).

mod log;
mod options;
mod passwords;
mod public;
mod ready;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::Result;
use design::BackingKind;
pub use log::{FileLog, Log, LogTail};
pub(crate) use options::StartError;
pub use options::{BackingChoices, Lacking, LaunchOptions, Proxied, READY_WITHIN};
pub use passwords::without_passwords;
pub use public::PublicPart;
pub(crate) use ready::{NotReady, wait};
use scenario::{Fault, diagnostic::Diagnostic};

use crate::{
    interrupt::Interrupt,
    measure::{Group, Part},
    traces::Receiver,
};

/// A running arm. Dropping it stops it.
pub struct RunningArm {
    /// Its name in the plan.
    pub name: String,
    /// Its name in reports.
    pub label: String,
    /// The address of its public API, for the generator; of several the first.
    pub public: SocketAddr,
    /// Where users reach each process with a public API: one process, or each with its part.
    pub parts: Vec<PublicPart>,
    /// Its processes, one with a public API first.
    pub processes: Vec<RunningProcess>,
    /// Its stores and brokers.
    pub backings: Vec<RunningBacking>,
    /// The receiver of its spans, if it traces.
    pub receiver: Option<Receiver>,
    /// Its runtime.
    pub runtime: Box<dyn RunningRuntime>,
}

/// The runtime of one arm: children of the lab, or a compose project.
pub trait RunningRuntime: Send {
    /// The process groups to measure: the services first, then the backings on this machine that belong to
    /// this arm.
    fn groups(&self) -> Vec<Group>;

    /// The backing of a kind as its owner identifies it, `pid 4711` or `container lab-shortener-redis-1`; `None` if others
    /// use it as well.
    fn place(&self, kind: BackingKind) -> Option<String>;

    /// What a fault is done to; `None` if it is a backing that others use as well.
    fn victim(&self, fault: &Fault) -> Result<Option<Box<dyn Victim>>>;

    /// The processes and backings that ended by themselves. Cheap: one system call per process.
    fn ended(&mut self) -> Vec<Ended>;

    /// Whether a process that ended by itself can be started again.
    fn can_restart(&self, process: &str) -> bool;

    /// Starts a process again that ended by itself, with the same addresses and configuration.
    fn restart(&mut self, process: &str) -> Result<()>;

    /// Stops everything and removes what it created; returns the names of those that had to be killed.
    /// Idempotent.
    fn stop(&mut self) -> Vec<String>;
}

/// What a fault is done to, looked up before its time; usable from any thread while others observe the arm.
pub trait Victim: Send {
    /// Looks up what the fault is done to, shortly before it is due, so that it begins without delay.
    fn look_up(&self) {}

    /// Makes the fault, and returns since when it is in force; what takes longer is left to [`complete`](Victim::complete).
    fn begin(&self) -> Result<Instant>;

    /// Does what it takes beyond the beginning: what stands still is killed, and its memory freed.
    fn complete(&self) -> Result<()> {
        Ok(())
    }

    /// Undoes it, also where it was made in part; without effect where it was not. Returns the moment at which it was
    /// undone: of what has to start, when its start was ordered.
    fn end(&self) -> Result<Instant>;

    /// Whether it has to start after the fault, before it serves again.
    fn has_to_start(&self) -> bool {
        false
    }

    /// Whether it serves again; it may take a tenth of a second to say so.
    fn is_back(&self) -> bool {
        true
    }
}

/// A running service process.
#[derive(Clone, Debug)]
pub struct RunningProcess {
    /// Unique in the arm: `gateway`, or `links-2` for the second of several replicas.
    pub name: String,
    /// The components that it hosts.
    pub components: &'static [&'static str],
    /// Its process id.
    pub pid: u32,
    /// The address of health and metrics.
    pub internal: SocketAddr,
    /// The address of its public API, if it serves any.
    pub public: Option<SocketAddr>,
    /// Its standard output and error.
    pub log: Arc<dyn Log>,
    /// Its process configuration.
    pub process_config: PathBuf,
}

/// A running store or broker of an arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningBacking {
    /// Its kind.
    pub kind: BackingKind,
    /// Its origin, as text: `embedded`, `native, Redis 7.0.15`, `given`.
    pub provider: String,
    /// A note for readers of its figures, if there is one.
    pub caveat: Option<String>,
    /// The file with its standard output and error, if the lab started it.
    pub log: Option<PathBuf>,
}

/// The end of a process that ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its name: `links`.
    pub process: String,
    /// As text: `exit status: 1`, `signal: 9 (SIGKILL)`.
    pub how: String,
    /// Whether it ended with exit code 0.
    pub succeeded: bool,
    /// The time at which its end was noticed, within the lab's polling interval.
    pub at: SystemTime,
    /// The last lines of its log.
    pub last_words: LogTail,
}

impl RunningArm {
    /// The process groups to measure: the services first, then the backings on this machine that belong to
    /// this arm.
    pub fn groups(&self) -> Vec<Group> {
        self.runtime.groups()
    }

    /// What a fault is done to.
    ///
    /// Fails if it is a backing that is not the arm's own, because others may use a given server.
    pub fn victim(&self, fault: &Fault) -> Result<Box<dyn Victim>> {
        self.runtime.victim(fault)?.ok_or_else(|| {
            let name = fault.target;
            let what = format!("the {name} of `{}` is not its own, so nothing is done to it", self.label);
            let hint = format!("leave `--{name}-url` out: each arm then has a {name} of its own");
            Diagnostic::new(what).hint(hint).into()
        })
    }

    /// Waits until every process is ready and every store responds, as after its start.
    pub fn becomes_ready(&mut self, interrupt: &Interrupt, within: Duration) -> Result<()> {
        let ended = || self.runtime.ended().into_iter().next();
        ready::wait(&self.processes, ended, interrupt, within).map_err(|why| why.told(&self.label, within))
    }

    /// The process configurations of its processes, without passwords: name and text, for the run's folder.
    pub fn host_file_texts(&self) -> Vec<(String, String)> {
        self.processes
            .iter()
            .filter_map(|process| {
                let text = std::fs::read_to_string(&process.process_config).ok()?;
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
    /// Its role in its arm.
    pub(crate) fn part(&self) -> Part {
        Part::Service { components: self.components.to_vec(), edge: self.public.is_some() }
    }
}
