//! The processes that a fault is done to: stopped until they are resumed, or killed.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use procfs::process::Process;

use crate::measure::{TrackedProcess, cpu_of, family};

/// The time limit for processes to stop: microseconds, unless the machine is busy; as long as containers have.
const STILL_WITHIN: Duration = Duration::from_secs(5);

/// The time limit for killed processes to be gone; the kernel needs only the time to free their memory.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// The polling interval.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// The processes of a backing, or a service process.
#[derive(Clone, Debug)]
pub enum Processes {
    /// The server below a keeper. The keeper itself continues, because it ends the server when the lab is
    /// gone. With the processes at the last look, to which a signal can be sent at once; clones share them.
    BelowKeeper(TrackedProcess, Arc<Mutex<Vec<u32>>>),
    /// One process.
    Alone(TrackedProcess),
}

impl fmt::Display for Processes {
    /// How their owner identifies them: `pid 4711`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.now().first() {
            Some(pid) => write!(formatter, "pid {pid}"),
            None => formatter.write_str("gone"),
        }
    }
}

impl Processes {
    /// The server below a keeper.
    pub(super) fn below(keeper: TrackedProcess) -> Self {
        Self::BelowKeeper(keeper, Arc::default())
    }

    /// Looks up the processes of a server, which takes milliseconds on a busy machine.
    pub(super) fn look_up(&self) {
        self.know(self.now());
    }

    fn know(&self, pids: Vec<u32>) {
        if let Self::BelowKeeper(_, known) = self {
            *known.lock().unwrap_or_else(PoisonError::into_inner) = pids;
        }
    }

    fn signal_known(&self, what: Signal) -> Option<Instant> {
        let known = self.known();
        for pid in &known {
            send(*pid, what);
        }
        (!known.is_empty()).then(Instant::now)
    }

    /// The processes of the last look; of a process alone, itself.
    fn known(&self) -> Vec<u32> {
        match self {
            Self::BelowKeeper(_, known) => known.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Self::Alone(process) => vec![process.pid()],
        }
    }

    /// Tells those of the last look to stop; returns when all are told, and `None` if none is known.
    pub(super) fn stop(&self) -> Option<Instant> {
        self.signal_known(Signal::SIGSTOP)
    }

    /// Freezes all of them, and returns when they are frozen.
    pub(super) fn freeze(&self) -> Result<()> {
        let mut still = BTreeSet::new();
        let deadline = Instant::now() + STILL_WITHIN;
        loop {
            let is_last = Instant::now() >= deadline;
            // First, so that what is due at the same time has the processor before anything is looked up.
            thread::sleep(LOOK_EVERY);
            // Repeated, until no process is left that could have started another one.
            let running: Vec<_> = self.now().into_iter().filter(|pid| !still.contains(pid)).collect();
            if running.is_empty() && !still.is_empty() {
                self.know(still.into_iter().collect());
                return Ok(());
            }
            for pid in &running {
                send(*pid, Signal::SIGSTOP);
            }
            still.extend(running.into_iter().filter(|pid| stands_still(*pid)));
            if is_last {
                bail!("it did not stand still within {} s", STILL_WITHIN.as_secs());
            }
        }
    }

    /// Tells those that were frozen to go on; returns when all are told, and `None` if none is known.
    pub(super) fn resume(&self) -> Option<Instant> {
        self.signal_known(Signal::SIGCONT)
    }

    /// Resumes all of them; no effect on what was not frozen.
    pub(super) fn thaw(&self) {
        self.now().into_iter().for_each(|pid| send(pid, Signal::SIGCONT));
    }

    /// Kills all of them at once by what their owner does; returns when they are gone.
    ///
    /// They have to be frozen: none starts another one meanwhile, and the CPU time of each can be read to its end.
    pub(super) fn kill(&self, kill: impl FnOnce() -> Result<()>) -> Result<()> {
        let (Self::BelowKeeper(tracked, _) | Self::Alone(tracked)) = self;
        let frozen = self.now();
        tracked.keep_cpu(frozen.iter().filter_map(|pid| Some((*pid, cpu_of(*pid)?))));
        kill()?;
        let deadline = Instant::now() + GONE_WITHIN;
        while !frozen.iter().all(|pid| is_gone(*pid)) {
            if Instant::now() >= deadline {
                bail!("it was killed, and was not gone within {} s", GONE_WITHIN.as_secs());
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Whether there is any.
    pub(super) fn exist(&self) -> bool {
        !self.now().is_empty()
    }

    /// The current processes, parents first.
    fn now(&self) -> Vec<u32> {
        match self {
            Self::BelowKeeper(keeper, _) => family(keeper.pid()).split_off(1),
            Self::Alone(process) => vec![process.pid()],
        }
    }
}

/// Resumes a frozen server that is to be ended: a stopped process handles no signals.
pub(super) fn thaw_below(keeper: u32) {
    family(keeper).split_off(1).into_iter().for_each(|pid| send(pid, Signal::SIGCONT));
}

/// Kills a server with all its processes: not its parent first, whose children would then be out of sight.
pub(super) fn kill_below(keeper: u32) {
    family(keeper).split_off(1).into_iter().for_each(|pid| send(pid, Signal::SIGKILL));
}

/// Sends a signal; ignores a process that is gone.
fn send(to: u32, what: Signal) {
    if let Ok(pid) = i32::try_from(to) {
        let _ = kill(Pid::from_raw(pid), what);
    }
}

/// Whether a process is stopped, or gone.
fn stands_still(pid: u32) -> bool {
    state(pid).is_none_or(|state| "TtZX".contains(state))
}

/// Whether a process has ended; its parent may not have noticed yet.
fn is_gone(pid: u32) -> bool {
    state(pid).is_none_or(|state| "ZX".contains(state))
}

fn state(pid: u32) -> Option<char> {
    Some(Process::new(i32::try_from(pid).ok()?).ok()?.stat().ok()?.state)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    /// A shell as keeper, whose child is the server and has a child itself.
    fn kept() -> Child {
        let mut keeper = Command::new("sh").args(["-c", "sh -c 'sleep 60 & wait' & wait"]).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while family(keeper.id()).len() < 3 {
            assert!(Instant::now() < deadline && keeper.try_wait().unwrap().is_none());
            thread::sleep(Duration::from_millis(5));
        }
        keeper
    }

    #[test]
    fn all_below_a_keeper_stands_still_and_goes_on_and_the_keeper_is_spared() {
        let mut keeper = kept();
        let below = family(keeper.id()).split_off(1);
        let victim = Processes::below(TrackedProcess::new(keeper.id()));
        // Whether it was looked up before or not.
        for is_known in [false, true] {
            if is_known {
                victim.look_up();
            }
            victim.freeze().unwrap();
            assert!(below.iter().all(|pid| state(*pid) == Some('T')));
            victim.thaw();
        }
        victim.freeze().unwrap();
        assert!(below.iter().all(|pid| state(*pid) == Some('T')));
        assert_ne!(state(keeper.id()), Some('T'));
        victim.thaw();
        assert!(below.iter().all(|pid| state(*pid) != Some('T')));
        for pid in below {
            send(pid, Signal::SIGKILL);
        }
        keeper.wait().unwrap();
    }

    #[test]
    fn what_is_not_there_cannot_be_frozen() {
        let mut keeper = Command::new("sleep").arg("60").spawn().unwrap();
        let refused = Processes::below(TrackedProcess::new(keeper.id())).freeze();
        keeper.kill().unwrap();
        keeper.wait().unwrap();
        let limit = format!("within {} s", STILL_WITHIN.as_secs());
        assert!(refused.unwrap_err().to_string().contains(&limit));
    }
}
