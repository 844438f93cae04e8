//! The generator's processors.

use anyhow::{Context, Result};
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

/// The generator is this thread: it gets its own processors, until this is dropped.
pub(super) struct Pinned {
    before: CpuSet,
}

impl Pinned {
    pub(super) fn to(cpus: &[usize]) -> Result<Self> {
        let before =
            sched_getaffinity(Pid::from_raw(0)).context("cannot ask for the generator's processors")?;
        this_thread(cpus).context("cannot pin the generator to its processors")?;
        Ok(Self { before })
    }
}

/// Gives the thread that calls it these processors.
pub(super) fn this_thread(cpus: &[usize]) -> nix::Result<()> {
    let mut set = CpuSet::new();
    for cpu in cpus {
        set.set(*cpu)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set)
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // What is started afterwards, such as a browser, may run anywhere again.
        let _ = sched_setaffinity(Pid::from_raw(0), &self.before);
    }
}
