//! What an arm's processes use, read from outside: CPU time, memory, and the counters that they publish.

mod cgroup;
mod cpu;
mod memory;
mod metrics;

pub use cgroup::Cgroup;
pub use cpu::CpuMeter;
pub(crate) use cpu::family;
pub use memory::{Memory, memory};
pub use metrics::{Scrape, ScrapeFault};
