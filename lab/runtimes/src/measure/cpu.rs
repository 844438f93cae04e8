//! CPU nanoseconds of processes, cheap enough to read at the end of every slice.
//!
//! A container's are in its control group.
//! All others are read from each process's CPU clock (`clock_getcpuclockid`, POSIX.1-2001), not by summing
//! `/proc/PID/task/*/schedstat`: the clock is as fine (nanoseconds of the scheduler), is one system call a process
//! instead of a file a thread, and goes on counting threads that have ended, which a sum over files would lose.

use std::collections::HashMap;

use nix::{
    time::{clock_getcpuclockid, clock_gettime},
    unistd::Pid,
};

use super::{Group, Scope};

/// Descendants that are looked at; a Postgres server has some twenty.
const MAX_DESCENDANTS: usize = 256;

/// Reads the CPU time of groups of processes.
pub struct CpuMeter {
    groups: Vec<Meter>,
}

struct Meter {
    scope: Scope,
    /// The last reading of every clock seen, so that what ends keeps what it used. A container has one clock, at 0.
    seen: HashMap<u32, u64>,
}

impl CpuMeter {
    /// A meter for these groups.
    pub fn new<'a>(groups: impl IntoIterator<Item = &'a Group>) -> Self {
        let meter = |group: &Group| Meter { scope: group.scope.clone(), seen: HashMap::new() };
        Self { groups: groups.into_iter().map(meter).collect() }
    }

    /// CPU nanoseconds that each group has used since its processes began, user and system time, in the order given.
    ///
    /// Never goes back: a process or container that has ended keeps its last reading.
    /// What a short-lived child of a family uses between its last reading and its end is not seen.
    pub fn read(&mut self) -> Vec<u64> {
        self.groups.iter_mut().map(Meter::read).collect()
    }
}

impl Meter {
    fn read(&mut self) -> u64 {
        match self.scope.clone() {
            Scope::Process(pid) => self.note(pid, cpu_of(pid)),
            Scope::Family(pid) => family(pid).into_iter().for_each(|pid| self.note(pid, cpu_of(pid))),
            Scope::Container(cgroup) => self.note(0, cgroup.cpu_nanoseconds()),
        }
        self.seen.values().sum()
    }

    fn note(&mut self, clock: u32, reading: Option<u64>) {
        if let Some(nanoseconds) = reading {
            let last = self.seen.entry(clock).or_default();
            *last = nanoseconds.max(*last);
        }
    }
}

/// CPU nanoseconds of one process; none when it is gone.
fn cpu_of(pid: u32) -> Option<u64> {
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

/// The children that any thread of a process started.
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

    #[test]
    fn work_shows_in_the_reading_and_readings_never_go_back() {
        let mut meter = CpuMeter::new(&[group(Scope::Process(std::process::id()))]);
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
        let mut meter = CpuMeter::new(&[group(Scope::Family(std::process::id()))]);
        let mut child = std::process::Command::new("sleep").arg("5").spawn().unwrap();
        assert!(family(std::process::id()).contains(&child.id()));
        let before = meter.read()[0];
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(meter.read()[0] >= before);
    }
}
