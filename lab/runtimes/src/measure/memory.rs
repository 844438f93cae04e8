//! The memory of processes, with shared pages counted once.

use procfs::process::{Process, SmapsRollup};

use super::{Group, Scope, cpu::family};

/// The memory of a process group in bytes: anonymous and shared memory, without mapped files.
///
/// A page that several processes share counts once: each process is charged its proportional part (`Pss_Anon`
/// and `Pss_Shmem` of `/proc/PID/smaps_rollup`, proc(5)). A PostgreSQL server has a process for each
/// connection, all of which map the same buffers: the sum of their resident sizes is several times the
/// server's memory.
/// So it is not the resident set size (RSS), which has mapped files and counts a shared page in each process; it is nearest to
/// what others call the unique and proportional set sizes (USS, PSS), without files.
/// Control groups also charge a page once, so both runtimes measure the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The current memory, as the group's description says: not its RSS.
    pub resident: u64,
    /// The peak, at least [`Memory::resident`]: an estimate, because the kernel records only the peak of each
    /// process's resident size, not a group's.
    pub peak: u64,
}

/// The memory of a group; processes that are gone count as zero.
pub fn memory(group: &Group) -> Memory {
    let pids = match &group.scope {
        Scope::Process(process) => vec![process.pid()],
        Scope::Family(process) => family(process.pid()),
        Scope::Container(cgroup) => return cgroup.memory().unwrap_or_default(),
    };
    pids.into_iter().filter_map(of_one).fold(Memory::default(), |sum, one| Memory {
        resident: sum.resident + one.resident,
        peak: sum.peak + one.peak,
    })
}

fn of_one(pid: u32) -> Option<Memory> {
    let process = Process::new(i32::try_from(pid).ok()?).ok()?;
    let status = process.status().ok()?;
    // Not readable for processes of another user: then the resident size is the best estimate.
    let resident = process.smaps_rollup().ok().and_then(own).or_else(|| Some(status.vmrss? * 1_024))?;
    // How far its peak was above the current size.
    let above = status.vmhwm?.saturating_sub(status.vmrss?) * 1_024;
    Some(Memory { resident, peak: resident + above })
}

/// The proportional part of a process's anonymous and shared memory; `None` before Linux 5.4.
fn own(rollup: SmapsRollup) -> Option<u64> {
    let fields = rollup.memory_map_rollup.0.into_iter().next()?.extension.map;
    Some(fields.get("Pss_Anon")? + fields.get("Pss_Shmem")?)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader},
        process::{Command, Stdio},
    };

    use super::*;
    use crate::measure::{Part, TrackedProcess};

    fn group(scope: Scope) -> Group {
        Group { name: "own".to_owned(), part: Part::Service { components: Vec::new(), edge: true }, scope }
    }

    #[test]
    fn this_process_holds_something_and_never_more_than_its_peak() {
        let own = memory(&group(Scope::Process(TrackedProcess::new(std::process::id()))));
        assert!(own.resident > 100_000 && own.peak >= own.resident, "{own:?}");
    }

    #[test]
    fn pages_that_processes_share_count_once() {
        // Four subshells share their parent's data: 16 MiB each if each counted it whole. They end with the
        // pipe.
        let script = r"exec 3<&0
            held=$(head -c 16777216 /dev/zero | tr '\0' x)
            for child in 1 2 3 4; do (echo $child; read -r end <&3) & done
            wait";
        let mut parent = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let read = BufReader::new(parent.stdout.take().expect("it is piped")).lines().take(4).count();
        let held = memory(&group(Scope::Family(TrackedProcess::new(parent.id())))).resident;
        drop(parent.stdin.take());
        parent.wait().expect("it was started");
        assert_eq!(read, 4, "all of them run");
        assert!((16 << 20..3 * (16 << 20)).contains(&held), "{held} bytes");
    }
}
