//! Resident memory of processes.

use procfs::process::Process;

use super::cpu::family;
use crate::process::{Group, Scope};

/// What a group of processes holds in memory, bytes.
///
/// Summed over its processes, so that pages which processes share count once each: an upper bound for a Postgres
/// server, exact for a single process. A container's control group counts each page once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Resident now (`VmRSS`, or what the control group says).
    pub resident: u64,
    /// The most that was ever resident (`VmHWM`, or an estimate from the control group).
    pub peak: u64,
}

/// Reads the memory of a group; processes that are gone hold nothing.
pub fn memory(group: &Group) -> Memory {
    let pids = match &group.scope {
        Scope::Process(pid) => vec![*pid],
        Scope::Family(pid) => family(*pid),
        Scope::Container(cgroup) => return cgroup.memory().unwrap_or_default(),
    };
    pids.into_iter().filter_map(of_one).fold(Memory::default(), |sum, one| Memory {
        resident: sum.resident + one.resident,
        peak: sum.peak + one.peak,
    })
}

fn of_one(pid: u32) -> Option<Memory> {
    let status = Process::new(i32::try_from(pid).ok()?).ok()?.status().ok()?;
    Some(Memory { resident: status.vmrss? * 1_024, peak: status.vmhwm? * 1_024 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Part;

    #[test]
    fn this_process_holds_something_and_never_more_than_its_peak() {
        let own = memory(&Group {
            name: "own".to_owned(),
            part: Part::Service { components: Vec::new(), edge: true },
            scope: Scope::Process(std::process::id()),
        });
        assert!(own.resident > 100_000 && own.peak >= own.resident);
    }
}
