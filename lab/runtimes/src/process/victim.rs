//! Faults for the processes of a backing: they are stopped until they are resumed.

use std::{
    collections::BTreeSet,
    fmt, thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use procfs::process::Process;

use crate::{arm::Victim, measure::family};

/// The time limit for processes to stop; microseconds, unless the machine is busy.
const STILL_WITHIN: Duration = Duration::from_secs(1);

/// The polling interval.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// The processes of a backing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Processes {
    /// The server below a keeper. The keeper itself continues, because it ends the server when the lab is
    /// gone.
    BelowKeeper(u32),
    /// One process.
    Alone(u32),
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

impl Victim for Processes {
    fn freeze(&self) -> Result<()> {
        let mut still = BTreeSet::new();
        let deadline = Instant::now() + STILL_WITHIN;
        loop {
            let is_last = Instant::now() >= deadline;
            // Repeated, until no process is left that could have started another one.
            let running: Vec<_> = self.now().into_iter().filter(|pid| !still.contains(pid)).collect();
            if running.is_empty() && !still.is_empty() {
                return Ok(());
            }
            for pid in &running {
                send(*pid, Signal::SIGSTOP);
            }
            still.extend(running.into_iter().filter(|pid| stands_still(*pid)));
            if is_last {
                bail!("it did not stand still within {} s", STILL_WITHIN.as_secs());
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    fn thaw(&self) -> Result<()> {
        self.now().into_iter().for_each(|pid| send(pid, Signal::SIGCONT));
        Ok(())
    }
}

impl Processes {
    /// The current processes, parents first.
    fn now(&self) -> Vec<u32> {
        match self {
            Self::BelowKeeper(keeper) => family(*keeper).split_off(1),
            Self::Alone(pid) => vec![*pid],
        }
    }
}

/// Resumes a frozen server that is to be ended: a stopped process handles no signals.
pub(super) fn thaw_below(keeper: u32) {
    family(keeper).split_off(1).into_iter().for_each(|pid| send(pid, Signal::SIGCONT));
}

/// Sends a signal; ignores a process that is gone.
fn send(to: u32, what: Signal) {
    if let Ok(pid) = i32::try_from(to) {
        let _ = kill(Pid::from_raw(pid), what);
    }
}

/// Whether a process is stopped, or gone.
fn stands_still(pid: u32) -> bool {
    let stat = i32::try_from(pid).ok().and_then(|pid| Process::new(pid).ok()?.stat().ok());
    stat.is_none_or(|stat| "TtZX".contains(stat.state))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    fn state(pid: u32) -> char {
        Process::new(pid.cast_signed()).unwrap().stat().unwrap().state
    }

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
        let victim = Processes::BelowKeeper(keeper.id());
        victim.freeze().unwrap();
        assert!(below.iter().all(|pid| state(*pid) == 'T'));
        assert_ne!(state(keeper.id()), 'T');
        victim.thaw().unwrap();
        assert!(below.iter().all(|pid| state(*pid) != 'T'));
        for pid in below {
            send(pid, Signal::SIGKILL);
        }
        keeper.wait().unwrap();
    }

    #[test]
    fn what_is_not_there_cannot_be_frozen() {
        let mut keeper = Command::new("sleep").arg("60").spawn().unwrap();
        let refused = Processes::BelowKeeper(keeper.id()).freeze();
        keeper.kill().unwrap();
        keeper.wait().unwrap();
        assert!(refused.unwrap_err().to_string().contains("within 1 s"));
    }
}
