//! A process that may be killed and started again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A process of an arm: its current id, and the CPU time of those that were killed before it. Clones share both.
#[derive(Clone, Debug)]
pub struct TrackedProcess(Arc<Mutex<Tracked>>);

#[derive(Debug)]
struct Tracked {
    pid: u32,
    /// CPU nanoseconds by process id.
    killed: BTreeMap<u32, u64>,
}

impl TrackedProcess {
    /// A process that was not killed yet.
    pub fn new(pid: u32) -> Self {
        Self(Arc::new(Mutex::new(Tracked { pid, killed: BTreeMap::new() })))
    }

    /// Its current process id.
    pub fn pid(&self) -> u32 {
        self.locked().pid
    }

    /// Notes the process id of its next start.
    pub(crate) fn restarted_as(&self, pid: u32) {
        self.locked().pid = pid;
    }

    /// Keeps the CPU time of processes that are about to be killed: afterwards their clocks cannot be read.
    pub(crate) fn keep_cpu(&self, readings: impl IntoIterator<Item = (u32, u64)>) {
        self.locked().killed.extend(readings);
    }

    /// The CPU time of the killed ones by process id.
    pub(super) fn killed(&self) -> Vec<(u32, u64)> {
        self.locked().killed.iter().map(|(pid, nanoseconds)| (*pid, *nanoseconds)).collect()
    }

    fn locked(&self) -> MutexGuard<'_, Tracked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
