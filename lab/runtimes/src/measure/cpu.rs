//! CPU nanoseconds of processes, cheap enough to read at the end of every slice.
//!
//! A container's CPU time comes from its control group.
//! All others come from each process's CPU clock (`clock_getcpuclockid`, POSIX.1-2001), not from a sum over
//! `/proc/PID/task/*/schedstat`: the clock has the same resolution (the scheduler's nanoseconds), needs one
//! system call per process instead of a file per thread, and includes threads that have ended, which a sum
//! over files would lose.

use std::collections::HashMap;

use nix::{
    time::{clock_getcpuclockid, clock_gettime},
    unistd::Pid,
};

use super::{Group, Scope, TrackedProcess};

/// The most descendants that are read; a PostgreSQL server has some twenty.
const MAX_DESCENDANTS: usize = 256;

/// Reads the CPU time of groups of processes.
pub struct CpuMeter {
    groups: Vec<Meter>,
}

struct Meter {
    scope: Scope,
    /// The last reading of every clock, so that a process that ended keeps its CPU time. A container has one
    /// clock, at 0.
    seen: HashMap<u32, u64>,
}

impl CpuMeter {
    /// A meter for these groups.
    pub fn new<'a>(groups: impl IntoIterator<Item = &'a Group>) -> Self {
        let meter = |group: &Group| Meter { scope: group.scope.clone(), seen: HashMap::new() };
        Self { groups: groups.into_iter().map(meter).collect() }
    }

    /// The CPU nanoseconds of each group since its processes started, user and system time, in the given
    /// order.
    ///
    /// Never decreases: a process or container that has ended keeps its last reading.
    /// The CPU time of a short-lived child between its last reading and its end is missed.
    pub fn read(&mut self) -> Vec<u64> {
        self.groups.iter_mut().map(Meter::read).collect()
    }
}

impl Meter {
    fn read(&mut self) -> u64 {
        match self.scope.clone() {
            Scope::Process(process) => self.note_all(&process, vec![process.pid()]),
            Scope::Family(process) => self.note_all(&process, family(process.pid())),
            Scope::Container(cgroup) => self.note(0, cgroup.cpu_nanoseconds()),
        }
        self.seen.values().sum()
    }

    fn note_all(&mut self, process: &TrackedProcess, pids: Vec<u32>) {
        for (pid, reading) in process.killed() {
            self.note(pid, Some(reading));
        }
        for pid in pids {
            self.note(pid, cpu_of(pid));
        }
    }

    fn note(&mut self, clock: u32, reading: Option<u64>) {
        if let Some(nanoseconds) = reading {
            let last = self.seen.entry(clock).or_default();
            *last = nanoseconds.max(*last);
        }
    }
}

/// The CPU nanoseconds of one process; `None` if it is gone.
pub(crate) fn cpu_of(pid: u32) -> Option<u64> {
    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(pid).ok()?)).ok()?;
    let time = clock_gettime(clock).ok()?;
    let seconds = u64::try_from(time.tv_sec()).ok()?;
    Some(seconds * 1_000_000_000 + u64::try_from(time.tv_nsec()).ok()?)
}

/// A process and its descendants, parents first.
pub(crate) fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut next = 0;
    while next < all.len() && all.len() < MAX_DESCENDANTS {
        all.extend(children(all[next]));
        next += 1;
    }
    all
}

/// The children of all threads of a process.
fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    threads
        .filter_map(Result::ok)
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|line| line.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Part;

    fn group(scope: Scope) -> Group {
        Group { name: "any".to_owned(), part: Part::Service { components: Vec::new(), edge: true }, scope }
    }

    fn this_process() -> TrackedProcess {
        TrackedProcess::new(std::process::id())
    }

    #[test]
    fn work_shows_in_the_reading_and_readings_never_go_back() {
        let mut meter = CpuMeter::new(&[group(Scope::Process(this_process()))]);
        let before = meter.read()[0];
        let mut sum = 0_u64;
        for number in 0..3_000_000_u64 {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(number));
        }
        let after = meter.read()[0];
        assert!(after > before + 100_000, "{before} {after} {sum}");
    }

    #[test]
    fn a_child_counts_with_its_parent_and_after_its_end() {
        let mut meter = CpuMeter::new(&[group(Scope::Family(this_process()))]);
        let mut child = std::process::Command::new("sleep").arg("5").spawn().unwrap();
        assert!(family(std::process::id()).contains(&child.id()));
        let before = meter.read()[0];
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(meter.read()[0] >= before);
    }

    #[test]
    fn a_process_that_was_killed_counts_with_the_one_that_follows_it() {
        let process = this_process();
        let mut meter = CpuMeter::new(&[group(Scope::Process(process.clone()))]);
        let before = meter.read()[0];
        process.keep_cpu([(u32::MAX, 5_000_000_000)]);
        let after = meter.read()[0];
        assert!(after >= before + 5_000_000_000, "{before} {after}");
    }
}
