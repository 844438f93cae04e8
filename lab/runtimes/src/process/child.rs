//! One child process of the lab: started with a log, watched, killed and started again by a fault, and ended.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child as Process, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result, bail};
use nix::{
    sched,
    sys::signal::{self, Signal},
    unistd::Pid,
};

use crate::{
    arm::{Ended, LogTail},
    measure::TrackedProcess,
};

/// The polling interval of an ending child.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The time limit for a killed child to be gone; the kernel needs only the time to free its memory.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// A child process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Child {
    name: String,
    /// What starts it, also once more: with the same arguments, and the log where it left off.
    command: Command,
    cpus: Vec<usize>,
    process: Process,
    tracked: TrackedProcess,
    log: PathBuf,
    state: State,
    ended: Option<Ended>,
}

/// What the lab wants of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To run.
    Up,
    /// To be down until it is started again.
    Killed,
    /// To end for good.
    Ending,
}

/// A child that a fault may kill while its arm observes it.
#[derive(Clone, Debug)]
pub(crate) struct SharedChild(Arc<Mutex<Child>>);

impl SharedChild {
    pub(super) fn new(child: Child) -> Self {
        Self(Arc::new(Mutex::new(child)))
    }

    /// The child, for one system call or one start.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
            on_processors(cpus, || command.spawn()).with_context(|| format!("cannot start `{name}`"))?;
        Ok(Self {
            name: name.to_owned(),
            command,
            cpus: cpus.to_vec(),
            tracked: TrackedProcess::new(process.id()),
            process,
            log: log.to_owned(),
            state: State::Up,
            ended: None,
        })
    }

    /// Its name, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// It, as something to measure.
    pub(crate) fn tracked(&self) -> &TrackedProcess {
        &self.tracked
    }

    /// Its end, if it ended by itself: not if the lab killed it.
    pub(crate) fn ended(&mut self) -> Option<&Ended> {
        if self.ended.is_none()
            && self.state != State::Killed
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

    /// Kills it with all its processes; returns when it is gone. It can be started again.
    pub(super) fn kill(&mut self) -> Result<()> {
        if let Some(ended) = self.ended() {
            bail!("it has ended by itself ({})", ended.how);
        }
        self.state = State::Killed;
        let _ = signal::killpg(pid(self.pid()), Signal::SIGKILL);
        self.wait_until(Instant::now() + KILL_LIMIT).context("it was killed and did not end")?;
        Ok(())
    }

    /// Starts it again after [`Child::kill`]; otherwise without effect.
    pub(super) fn restart(&mut self) -> Result<()> {
        if self.state == State::Killed {
            let Self { name, command, cpus, .. } = self;
            self.process = on_processors(cpus, || command.spawn())
                .with_context(|| format!("cannot start `{name}` again"))?;
            self.tracked.restarted_as(self.process.id());
            self.state = State::Up;
        }
        Ok(())
    }

    /// Starts it again after it ended by itself; otherwise without effect.
    pub(crate) fn revive(&mut self) -> Result<()> {
        if self.state == State::Up && self.ended().is_some() {
            self.ended = None;
            self.state = State::Killed;
            self.restart()?;
        }
        Ok(())
    }

    /// Writes a line to its standard input.
    pub(super) fn tell(&mut self, line: &str) -> Result<()> {
        let input = self.process.stdin.as_mut().with_context(|| format!("`{}` is to end", self.name))?;
        writeln!(input, "{line}").with_context(|| format!("`{}` does not read", self.name))
    }

    /// Requests its end: SIGTERM, and the end of its standard input.
    pub(crate) fn ask_to_end(&mut self) {
        if self.state == State::Up && self.ended().is_none() {
            send(self.pid(), Signal::SIGTERM);
        }
        self.state = State::Ending;
        drop(self.process.stdin.take());
    }

    /// Waits for its end after [`Child::ask_to_end`]; kills it at the time limit. Returns whether it ended by
    /// itself.
    pub(crate) fn wait(&mut self, limit: Duration) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_is_killed_has_not_ended_by_itself_and_starts_again_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut command = Command::new("sh");
        command.args(["-c", "echo up; exec sleep 60"]);
        let mut child = Child::start("server", command, &log, &[]).unwrap();
        let says = |times: usize| {
            let deadline = Instant::now() + Duration::from_secs(10);
            while std::fs::read_to_string(&log).unwrap().matches("up").count() < times {
                assert!(Instant::now() < deadline, "it starts");
                thread::sleep(LOOK_EVERY);
            }
        };
        says(1);
        let first = child.pid();
        child.kill().unwrap();
        assert_eq!(child.ended(), None);
        child.restart().unwrap();
        says(2);
        assert_ne!(child.pid(), first);
        assert_eq!(child.tracked().pid(), child.pid());
        child.revive().unwrap();
        let second = child.pid();
        send(second, Signal::SIGKILL);
        while child.ended().is_none() {
            thread::sleep(LOOK_EVERY);
        }
        child.revive().unwrap();
        says(3);
        assert!(child.pid() != second && child.ended().is_none());
        child.kill().unwrap();
        child.ask_to_end();
        child.restart().unwrap();
        assert!(child.wait(Duration::ZERO), "what is to end is not started again");
    }
}
