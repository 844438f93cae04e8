//! The resources that an arm's processes use, measured from outside: CPU time, memory, and their published
//! counters; and the quietness of the machine.

mod cgroup;
mod cpu;
mod group;
mod memory;
mod metrics;
mod quiet;
mod tracked;

pub use cgroup::{Cgroup, TrackedCgroup};
pub use cpu::CpuMeter;
pub(crate) use cpu::{cpu_of, family};
pub use group::{Group, Part, Scope};
pub use memory::{Memory, memory};
pub use metrics::{Scrape, ScrapeFault};
pub use quiet::{Look, MOST_VOID, Quietness};
pub use tracked::TrackedProcess;
