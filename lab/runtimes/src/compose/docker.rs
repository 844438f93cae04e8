//! The engine's command line: each call has a time limit, and a failed call returns the engine's own words.

use std::{
    collections::BTreeSet,
    io::{self, Read},
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use scenario::diagnostic::Diagnostic;

use crate::arm::LogTail;

/// The time limit of a query; an idle engine responds within 50 ms.
pub(super) const ASK_WITHIN: Duration = Duration::from_secs(10);

/// The most output that is read, in bytes: the log lines of one container, or the names of all.
const MAX_ANSWER: u64 = 1 << 20;

/// The polling interval of a call.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The reasons why a call failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum DockerFault {
    /// The program `docker` does not exist.
    #[error("there is no `docker` command")]
    NoCommand,
    /// It cannot be started.
    #[error("cannot start `docker`: {0}")]
    Unstartable(#[source] io::Error),
    /// The lab is ending: nothing more may be created.
    #[error("the lab is ending")]
    Ending,
    /// It exceeded its time limit and was killed.
    #[error("`{command}` did not end within {} s", limit.as_secs())]
    Late {
        /// The command line.
        command: String,
        /// The time limit.
        limit: Duration,
    },
    /// The engine refused.
    #[error("`{command}` failed:{words}")]
    Failed {
        /// The command line.
        command: String,
        /// Its last output lines.
        words: String,
    },
}

impl DockerFault {
    /// The error message, with a hint.
    pub(super) fn diagnostic(self) -> anyhow::Error {
        let text = self.to_string();
        let known = [
            ("no `docker` command", "install Docker Engine 20.10 or later; `--runtime process` needs none"),
            ("permission denied", "add yourself to the group `docker`, or run the lab with `sudo`"),
            ("Cannot connect to the Docker daemon", "start it: `sudo systemctl start docker`"),
            (
                "'compose' is not a docker command",
                "install Docker Compose 2: the package `docker-compose-plugin`",
            ),
            ("port is already allocated", "`--port` names another port; `ss -ltnp` shows what listens"),
            ("address already in use", "`--port` names another port; `ss -ltnp` shows what listens"),
            ("No such image", MISSING_IMAGE),
            ("all predefined address pools", "`docker network prune` removes networks that nothing uses"),
        ];
        let hint = known.iter().find(|(words, _)| text.contains(words)).map(|(_, hint)| *hint);
        let hint = hint.or_else(|| full_disk(&text));
        Diagnostic::new(text).hint(hint.unwrap_or("`docker info` shows how the engine is")).into()
    }
}

/// The hint if an output says that the engine's disk is full: the engine's own, or that of a store in a
/// container.
pub(super) fn full_disk(words: &str) -> Option<&'static str> {
    let words = words.to_lowercase();
    let is_full = ["no space left on device", "disk is full"].iter().any(|said| words.contains(said));
    is_full.then_some("`docker system df` shows what takes the room, `docker system prune` frees some")
}

/// The hint for a missing image.
pub(super) const MISSING_IMAGE: &str = "`docker compose build` makes the lab's and `docker compose pull` fetches the others; without a registry, \
     `deploy/offline/build` makes them all";

/// The last log lines of a container; empty if it is gone.
pub(super) fn last_words(container: &str) -> LogTail {
    let lines = LogTail::LINES.to_string();
    // `docker logs` prints the container's standard error on standard error.
    let asked = run(&["logs", "--tail", &lines, container], ASK_WITHIN);
    let text = asked.map(|said| said.out + &said.err).unwrap_or_default();
    LogTail(text.lines().map(str::to_owned).collect())
}

/// The output of a call.
pub(super) struct Said {
    pub(super) out: String,
    pub(super) err: String,
}

/// The engine's standard output, trimmed.
pub(super) fn ask(arguments: &[&str]) -> Result<String, DockerFault> {
    run(arguments, ASK_WITHIN).map(|said| said.out.trim().to_owned())
}

/// Runs `docker ARGUMENTS` to its end, or kills it at the time limit.
///
/// A first Ctrl-C does not kill it: an interrupted call may leave objects that nobody knows. A second one
/// does, and removes what was created.
pub(super) fn run(arguments: &[&str], limit: Duration) -> Result<Said, DockerFault> {
    let mut call = Command::new("docker");
    call.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A terminal's Ctrl-C reaches the lab only.
    call.process_group(0);
    let (mut child, _under_way) = CALLS.begin(&mut call)?;
    let command = || format!("docker {}", arguments.join(" "));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (status, out, err) = thread::scope(|scope| {
        let out = scope.spawn(|| text(out));
        let err = scope.spawn(|| text(err));
        let status = wait(&mut child, limit);
        (status, out.join().unwrap_or_default(), err.join().unwrap_or_default())
    });
    match status {
        None => Err(DockerFault::Late { command: command(), limit }),
        Some(status) if status.success() => Ok(Said { out, err }),
        Some(_) => {
            let lines: Vec<_> =
                err.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
            let last = lines[lines.len().saturating_sub(LogTail::LINES)..].to_vec();
            Err(DockerFault::Failed { command: command(), words: LogTail(last).indented() })
        }
    }
}

/// The exit status; `None` if it had to be killed.
fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= deadline {
            kill(child.id());
            let _ = child.wait();
            return None;
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// The calls of this lab.
static CALLS: Calls = Calls(Mutex::new(State { under_way: BTreeSet::new(), ending: None }));

/// The calls in flight, and whether further calls are permitted.
struct Calls(Mutex<State>);

struct State {
    under_way: BTreeSet<u32>,
    /// The thread that removes what the lab created; from then on only this thread may make calls.
    ending: Option<ThreadId>,
}

/// A call in flight; removed from the list at its end.
struct UnderWay<'a> {
    calls: &'a Calls,
    child: u32,
}

impl Calls {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a call: either [`Calls::break_off`] sees it, or it came first and prevents the call.
    fn begin(&self, call: &mut Command) -> Result<(Child, UnderWay<'_>), DockerFault> {
        let mut state = self.state();
        if state.ending.is_some_and(|thread| thread != thread::current().id()) {
            return Err(DockerFault::Ending);
        }
        let child = call.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => DockerFault::NoCommand,
            _ => DockerFault::Unstartable(error),
        })?;
        state.under_way.insert(child.id());
        let under_way = UnderWay { calls: self, child: child.id() };
        Ok((child, under_way))
    }

    fn break_off(&self) {
        let mut state = self.state();
        state.ending = Some(thread::current().id());
        state.under_way.iter().copied().for_each(kill);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.calls.state().under_way.remove(&self.child);
    }
}

/// Kills every call in flight and permits only this thread to make further ones, so that nothing more is
/// created.
pub(super) fn break_off() {
    CALLS.break_off();
}

/// Kills the process group, because compose is a child of `docker` and holds the pipes as well.
fn kill(call: u32) {
    if let Ok(group) = i32::try_from(call) {
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
}

fn text(from: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let mut from = from;
        let _ = (&mut from).take(MAX_ANSWER).read_to_end(&mut bytes);
        // Reads to the end, so that a full pipe does not block a program with more output.
        let _ = io::copy(&mut from, &mut io::sink());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Adds context to an error.
pub(super) fn told<T>(result: Result<T, DockerFault>, doing: impl FnOnce() -> String) -> Result<T> {
    result.map_err(DockerFault::diagnostic).with_context(doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_the_lab_is_ending_nothing_goes_on_and_only_who_removes_may_begin() {
        let calls = Calls(Mutex::new(State { under_way: BTreeSet::new(), ending: None }));
        let mut long = Command::new("sleep");
        long.arg("60").process_group(0);
        let (mut child, _under_way) = calls.begin(&mut long).unwrap();
        calls.break_off();
        assert!(!child.wait().unwrap().success(), "it was killed");
        let short = || {
            let mut command = Command::new("true");
            calls.begin(command.process_group(0)).map(|(mut child, _)| child.wait().unwrap().success())
        };
        assert!(short().unwrap(), "this thread removes what was made");
        let other = thread::scope(|scope| scope.spawn(short).join().unwrap());
        assert!(matches!(other, Err(DockerFault::Ending)), "{other:?}");
    }
}
