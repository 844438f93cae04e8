//! The generator's processors.

use anyhow::{Context, Result};
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

/// Pins the generator, which is this thread, to its own processors until it is dropped.
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

/// Pins the calling thread to these processors.
pub(super) fn this_thread(cpus: &[usize]) -> nix::Result<()> {
    let mut set = CpuSet::new();
    for cpu in cpus {
        set.set(*cpu)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set)
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // Programs that are started later, such as a browser, may use all processors again.
        let _ = sched_setaffinity(Pid::from_raw(0), &self.before);
    }
}
