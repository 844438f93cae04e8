//! One child process of the lab: started with a log, watched, and ended.

use std::{
    fs::File,
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child as Process, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result};
use nix::{
    sched,
    sys::signal::{self, Signal},
    unistd::Pid,
};

use crate::arm::{Ended, LogTail};

/// The polling interval of an ending child.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The time limit for a killed child to be gone; the kernel needs only the time to free its memory.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// A child process. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Child {
    name: String,
    process: Process,
    log: PathBuf,
    ended: Option<Ended>,
}

impl Child {
    /// Starts a command with its standard output and error in a log and its standard input held open.
    ///
    /// It gets its own process group: a terminal's Ctrl-C reaches the lab only, which then stops its
    /// children.
    pub(super) fn start(name: &str, mut command: Command, log: &Path, cpus: &[usize]) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot write `{}`", log.display()))?;
        let errors = file.try_clone().with_context(|| format!("cannot write `{}`", log.display()))?;
        command.stdin(Stdio::piped()).stdout(file).stderr(errors).process_group(0);
        let process =
            on_processors(cpus, move || command.spawn()).with_context(|| format!("cannot start `{name}`"))?;
        Ok(Self { name: name.to_owned(), process, log: log.to_owned(), ended: None })
    }

    /// Its name, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Its end, if it ended by itself.
    pub(super) fn ended(&mut self) -> Option<&Ended> {
        if self.ended.is_none()
            && let Ok(Some(status)) = self.process.try_wait()
        {
            self.ended = Some(Ended {
                process: self.name.clone(),
                how: status.to_string(),
                succeeded: status.success(),
                at: SystemTime::now(),
                last_words: LogTail::of(&self.log),
            });
        }
        self.ended.as_ref()
    }

    /// Requests its end: SIGTERM, and the end of its standard input.
    pub(super) fn ask_to_end(&mut self) {
        if self.ended().is_none() {
            send(self.pid(), Signal::SIGTERM);
        }
        drop(self.process.stdin.take());
    }

    /// Waits for its end after [`Child::ask_to_end`]; kills it at the time limit. Returns whether it ended by
    /// itself.
    pub(super) fn wait(&mut self, limit: Duration) -> bool {
        let in_time = self.wait_until(Instant::now() + limit).is_some();
        if !in_time {
            // The process group, so that its own children are killed as well.
            let _ = signal::killpg(pid(self.pid()), Signal::SIGKILL);
            self.wait_until(Instant::now() + KILL_LIMIT);
        }
        in_time
    }

    fn wait_until(&mut self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.ask_to_end();
        self.wait(Duration::from_secs(2));
    }
}

/// Sends a signal; ignores a process that is gone.
fn send(to: u32, what: Signal) {
    let _ = signal::kill(pid(to), what);
}

fn pid(of: u32) -> Pid {
    Pid::from_raw(i32::try_from(of).unwrap_or(i32::MAX))
}

/// Runs a function on a thread with this CPU affinity, which child processes inherit.
pub(super) fn on_processors<T: Send>(
    cpus: &[usize],
    work: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    let mut set = sched::CpuSet::new();
    for &cpu in cpus {
        set.set(cpu)?;
    }
    thread::scope(|scope| {
        let worker = scope.spawn(move || {
            if !cpus.is_empty() {
                sched::sched_setaffinity(Pid::from_raw(0), &set)?;
            }
            work()
        });
        worker.join().unwrap_or_else(|_| Err(io::Error::other("the starting thread panicked")))
    })
}
