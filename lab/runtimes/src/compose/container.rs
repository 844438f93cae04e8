//! One container of a running project.

use std::{
    fmt,
    net::IpAddr,
    time::{Instant, SystemTime},
};

use anyhow::Result;
use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use scenario::diagnostic::Diagnostic;

use super::docker::{self, DockerFault, full_disk, last_words};
use crate::arm::{Ended, Log, LogTail, Victim};

/// A running container.
pub(super) struct Container {
    /// The service's name without the wiring: `links`, `postgres`.
    pub(super) process: String,
    /// The container's own name.
    pub(super) name: String,
    pub(super) pid: u32,
    pub(super) address: IpAddr,
    pub(super) ended: Option<Ended>,
}

impl Container {
    /// Parses the engine's description of a container: `PID ADDRESS`.
    ///
    /// A container that is not running any more is an error with its last log lines.
    pub(super) fn new(said: &str, process: &str, name: String, arm: &str) -> Result<Self> {
        let parsed = said.split_once(' ').and_then(|(pid, address)| {
            Some((pid.parse::<u32>().ok().filter(|pid| *pid > 0)?, address.parse().ok()?))
        });
        let Some((pid, address)) = parsed else {
            let words = last_words(&name).indented();
            let what =
                format!("the container of `{process}` of `{arm}` died at once; its last words:{words}");
            let by_hand = "`lab export compose` writes the project down, to try it by hand";
            let hint = full_disk(&words).unwrap_or(by_hand);
            return Err(Diagnostic::new(what).hint(hint).into());
        };
        Ok(Self { process: process.to_owned(), name, pid, address, ended: None })
    }

    /// Its end, if it ended by itself. One system call while it runs.
    pub(super) fn ended(&mut self) -> Option<Ended> {
        if self.ended.is_none() && is_gone(self.pid) {
            let format = "{{.State.ExitCode}} {{.State.OOMKilled}}";
            let said = docker::ask(&["inspect", "--format", format, &self.name]).unwrap_or_default();
            let (code, out_of_memory) = said.split_once(' ').unwrap_or(("unknown", "false"));
            let why = if out_of_memory == "true" { ", out of memory" } else { "" };
            self.ended = Some(Ended {
                process: self.process.clone(),
                how: format!("exit status: {code}{why}"),
                succeeded: code == "0",
                at: SystemTime::now(),
                last_words: last_words(&self.name),
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

/// A container that is frozen, by its name; the kernel's freezer stops everything in it.
pub(super) struct ContainerVictim(pub(super) String);

impl Victim for ContainerVictim {
    fn begin(&self) -> Result<Instant> {
        docker::ask(&["pause", &self.0]).map_err(DockerFault::diagnostic)?;
        Ok(Instant::now())
    }

    fn end(&self) -> Result<()> {
        docker::ask(&["unpause", &self.0]).map(drop).map_err(DockerFault::diagnostic)
    }
}

/// Whether no such process exists; a process of another user exists although it cannot be signalled.
fn is_gone(pid: u32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH))
}
