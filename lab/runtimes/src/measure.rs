//! What an arm's processes use, read from outside: CPU time, memory, and the counters that they publish;
//! and how quiet the machine is.

mod cgroup;
mod cpu;
mod group;
mod memory;
mod metrics;
mod quiet;

pub use cgroup::Cgroup;
pub use cpu::CpuMeter;
pub(crate) use cpu::family;
pub use group::{Group, Part, Scope};
pub use memory::{Memory, memory};
pub use metrics::{Scrape, ScrapeFault};
pub use quiet::{Look, MOST_VOID, Quietness};
