//! The resources of a container, from its control group: of every process in it, including those that have
//! ended.
//!
//! Both versions are supported: version 1 (`cpuacct` and `memory` mounted separately) and version 2 (one
//! tree).

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result};
use scenario::diagnostic::Diagnostic;

use super::Memory;

/// The mount point of control groups in every distribution.
const MOUNTED: &str = "/sys/fs/cgroup";

/// The control group of a container, as the files to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cgroup {
    version: Version,
    cpu: PathBuf,
    memory: PathBuf,
}

/// The control group of a container that may be killed and started again, in another group. Clones share it.
#[derive(Clone, Debug)]
pub struct TrackedCgroup(Arc<Mutex<Tracked>>);

#[derive(Debug)]
struct Tracked {
    /// The current group; none while it is killed.
    current: Option<Cgroup>,
    /// CPU nanoseconds of the killed ones.
    killed: u64,
}

impl TrackedCgroup {
    /// Of a container that was not killed yet.
    pub fn new(current: Cgroup) -> Self {
        Self(Arc::new(Mutex::new(Tracked { current: Some(current), killed: 0 })))
    }

    /// Keeps the CPU time of what is about to be killed: afterwards its group is gone.
    pub(crate) fn keep_cpu(&self) {
        let mut tracked = self.locked();
        let last = tracked.current.take().and_then(|current| current.cpu_nanoseconds());
        tracked.killed += last.unwrap_or(0);
    }

    /// Notes the group of its next start.
    pub(crate) fn restarted_in(&self, current: Cgroup) {
        self.locked().current = Some(current);
    }

    /// CPU nanoseconds, those of killed ones included; `None` if it is gone by itself.
    pub fn cpu_nanoseconds(&self) -> Option<u64> {
        let tracked = self.locked();
        let current = tracked.current.as_ref().map_or(Some(0), Cgroup::cpu_nanoseconds)?;
        Some(tracked.killed + current)
    }

    /// The memory of the container; `None` if it is gone.
    pub fn memory(&self) -> Option<Memory> {
        self.locked().current.as_ref()?.memory()
    }

    fn locked(&self) -> MutexGuard<'_, Tracked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Cgroup {
    /// The control group of a process.
    pub fn of(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/cgroup");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`"))?;
        let found = Self::parse(&text, Path::new(MOUNTED));
        let found = found.filter(|found| found.cpu_nanoseconds().is_some() && found.memory().is_some());
        found.ok_or_else(|| {
            Diagnostic::new(format!("the control group of the process {pid} does not say what it uses"))
                .hint(format!("the lab reads `cpuacct` and `memory`, or the unified tree, below `{MOUNTED}`"))
                .into()
        })
    }

    /// Parses `/proc/PID/cgroup`: lines `number:controllers:path`; version 2 is the line `0::path`.
    fn parse(text: &str, mounted: &Path) -> Option<Self> {
        let lines: Vec<(&str, &str)> =
            text.lines().filter_map(|line| line.split_once(':')?.1.split_once(':')).collect();
        let folder = |controller: &str| {
            let (controllers, path) =
                lines.iter().find(|(controllers, _)| controllers.split(',').any(|one| one == controller))?;
            Some(mounted.join(controllers).join(path.trim_start_matches('/')))
        };
        if let (Some(cpu), Some(memory)) = (folder("cpuacct"), folder("memory")) {
            return Some(Self { version: Version::One, cpu: cpu.join("cpuacct.usage"), memory });
        }
        let (_, path) = lines.iter().find(|(controllers, _)| controllers.is_empty())?;
        let folder = mounted.join(path.trim_start_matches('/'));
        Some(Self { version: Version::Two, cpu: folder.join("cpu.stat"), memory: folder })
    }

    /// CPU nanoseconds since the container started, user and system time; `None` if it is gone.
    ///
    /// Version 2 counts whole microseconds.
    pub fn cpu_nanoseconds(&self) -> Option<u64> {
        let text = fs::read_to_string(&self.cpu).ok()?;
        match self.version {
            Version::One => text.trim().parse().ok(),
            Version::Two => Some(field(&text, "usage_usec")? * 1_000),
        }
    }

    /// The memory of the container; `None` if it is gone.
    ///
    /// Resident memory is what its processes allocated and share (a database's buffers), without the page
    /// cache, which the kernel can reclaim.
    /// The kernel's peak includes the page cache: the current page cache is subtracted, so the peak is an
    /// estimate.
    pub fn memory(&self) -> Option<Memory> {
        let read = |name: &str| fs::read_to_string(self.memory.join(name)).ok();
        let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
        let stat = read("memory.stat")?;
        let (own, shared, cache, peak) = match self.version {
            Version::One => ("total_rss", "total_shmem", "total_cache", "memory.max_usage_in_bytes"),
            Version::Two => ("anon", "shmem", "file", "memory.peak"),
        };
        let shared = field(&stat, shared).unwrap_or(0);
        let resident = field(&stat, own)? + shared;
        // In both versions the cache includes shared memory, which must not be subtracted.
        let page_cache = field(&stat, cache)?.saturating_sub(shared);
        // Kernels before 5.19 have no peak in version 2.
        let peak = number(peak).unwrap_or(0).saturating_sub(page_cache);
        Some(Memory { resident, peak: peak.max(resident) })
    }
}

/// The number in the line `name number`.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "9:name=systemd:/docker/abc\n4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/\n";
    const TWO: &str = "0::/system.slice/docker-abc.scope\n";

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn version_one_is_read_where_controllers_are_mounted_apart() {
        let mounted = tempfile::tempdir().unwrap();
        write(mounted.path(), "cpu,cpuacct/docker/abc/cpuacct.usage", "1234567\n");
        let memory = "cache 50\nshmem 1\ntotal_cache 500\ntotal_rss 1000\ntotal_shmem 200\n";
        write(mounted.path(), "memory/docker/abc/memory.stat", memory);
        write(mounted.path(), "memory/docker/abc/memory.max_usage_in_bytes", "1900\n");
        let cgroup = Cgroup::parse(ONE, mounted.path()).unwrap();
        assert_eq!(cgroup.cpu_nanoseconds(), Some(1_234_567));
        assert_eq!(cgroup.memory(), Some(Memory { resident: 1_200, peak: 1_600 }));
    }

    #[test]
    fn version_two_is_read_from_its_one_tree() {
        let mounted = tempfile::tempdir().unwrap();
        let folder = "system.slice/docker-abc.scope";
        write(mounted.path(), &format!("{folder}/cpu.stat"), "usage_usec 1234\nuser_usec 1000\n");
        write(
            mounted.path(),
            &format!("{folder}/memory.stat"),
            "anon 1000\nanon_thp 7\nfile 500\nshmem 200\n",
        );
        let cgroup = Cgroup::parse(TWO, mounted.path()).unwrap();
        assert_eq!(cgroup.cpu_nanoseconds(), Some(1_234_000));
        assert_eq!(
            cgroup.memory(),
            Some(Memory { resident: 1_200, peak: 1_200 }),
            "no peak on an old kernel"
        );
        write(mounted.path(), &format!("{folder}/memory.peak"), "1900\n");
        assert_eq!(cgroup.memory().unwrap().peak, 1_600);
    }

    #[test]
    fn a_container_that_is_gone_uses_nothing_that_can_be_seen() {
        let mounted = tempfile::tempdir().unwrap();
        let cgroup = Cgroup::parse(TWO, mounted.path()).unwrap();
        assert_eq!((cgroup.cpu_nanoseconds(), cgroup.memory()), (None, None));
    }
}
