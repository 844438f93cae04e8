//! One container of a running project.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use anyhow::Result;
use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use scenario::diagnostic::Diagnostic;

use super::docker::{self, full_disk, last_words};
use crate::{
    arm::{Ended, Log, LogTail},
    measure::{Cgroup, TrackedCgroup},
};

/// What the engine is asked about a container: `PID ADDRESS`.
pub(super) const FORMAT: &str = "{{.State.Pid}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";

/// A running container.
pub(super) struct Container {
    /// The service's name without the wiring: `links`, `postgres`.
    pub(super) process: String,
    /// What a fault may do to it meanwhile.
    pub(super) tracked: Tracked,
    pub(super) ended: Option<Ended>,
}

/// A container that a fault may kill while its arm observes it. Clones share its life.
#[derive(Clone)]
pub(super) struct Tracked {
    /// The container's own name.
    pub(super) name: String,
    pub(super) address: IpAddr,
    pub(super) cpu: TrackedCgroup,
    life: Arc<Mutex<Life>>,
}

/// The current process of a container.
pub(super) struct Life {
    pub(super) pid: u32,
    /// Whether a fault has killed it.
    pub(super) is_down: bool,
}

impl Tracked {
    pub(super) fn locked(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_down(&self) -> bool {
        self.locked().is_down
    }

    /// Whether its process has ended.
    pub(super) fn is_gone(&self) -> bool {
        is_gone(self.locked().pid)
    }
}

/// The process and the address of a container in [`FORMAT`]; `None` if it does not run.
pub(super) fn parsed(said: &str) -> Option<(u32, IpAddr)> {
    let (pid, address) = said.split_once(' ')?;
    Some((pid.parse::<u32>().ok().filter(|pid| *pid > 0)?, address.parse().ok()?))
}

impl Container {
    /// Parses the engine's description of a container: `PID ADDRESS`.
    ///
    /// A container that is not running any more is an error with its last log lines.
    pub(super) fn new(said: &str, process: &str, name: String, arm: &str) -> Result<Self> {
        let Some((pid, address)) = parsed(said) else {
            let words = last_words(&name).indented();
            let what =
                format!("the container of `{process}` of `{arm}` died at once; its last words:{words}");
            let by_hand = "`lab export compose` writes the project down, to try it by hand";
            let hint = full_disk(&words).unwrap_or(by_hand);
            return Err(Diagnostic::new(what).hint(hint).into());
        };
        let life = Arc::new(Mutex::new(Life { pid, is_down: false }));
        let cpu = TrackedCgroup::new(Cgroup::of(pid)?);
        Ok(Self { process: process.to_owned(), tracked: Tracked { name, address, cpu, life }, ended: None })
    }

    /// The container's own name.
    pub(super) fn name(&self) -> &str {
        &self.tracked.name
    }

    /// The process id of its first process.
    pub(super) fn pid(&self) -> u32 {
        self.tracked.locked().pid
    }

    /// Its end, if it ended by itself: not if a fault killed it. One system call while it runs.
    pub(super) fn ended(&mut self) -> Option<Ended> {
        let has_ended = {
            let life = self.tracked.locked();
            !life.is_down && is_gone(life.pid)
        };
        if self.ended.is_none() && has_ended {
            let format = "{{.State.ExitCode}} {{.State.OOMKilled}}";
            let said = docker::ask(&["inspect", "--format", format, self.name()]).unwrap_or_default();
            let (code, out_of_memory) = said.split_once(' ').unwrap_or(("unknown", "false"));
            let why = if out_of_memory == "true" { ", out of memory" } else { "" };
            self.ended = Some(Ended {
                process: self.process.clone(),
                how: format!("exit status: {code}{why}"),
                succeeded: code == "0",
                at: SystemTime::now(),
                last_words: last_words(self.name()),
            });
        }
        self.ended.clone()
    }
}

/// The log of a container, which the engine keeps, by the container's name.
#[derive(Debug)]
pub(super) struct ContainerLog(pub(super) String);

impl Log for ContainerLog {
    fn tail(&self) -> LogTail {
        last_words(&self.0)
    }
}

impl fmt::Display for ContainerLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "docker logs --follow {}", self.0)
    }
}

/// Whether no such process exists; a process of another user exists although it cannot be signalled.
fn is_gone(pid: u32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH))
}
