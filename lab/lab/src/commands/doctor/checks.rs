//! One function for each check.

mod programs;
mod stores;

use std::{fs, path::Path};

use nix::sys::{
    resource::{Resource, getrlimit},
    utsname::uname,
};
use runtimes::{
    arm::BackingChoices,
    measure::{Look, Quietness},
    scratch::free_bytes,
};
use scenario::plan::Budget;

/// The open-file limit below which a run with many connections would fail.
const ENOUGH_FILES: u64 = 4_096;

/// Enough disk space for a run's databases and logs.
const ENOUGH_ROOM: u64 = 1 << 30;

/// The result of a check.
pub(super) struct Finding {
    pub(super) state: State,
    pub(super) what: &'static str,
    pub(super) found: String,
    pub(super) means: String,
}

/// The state of a finding.
pub(super) enum State {
    /// Fully available.
    Good,
    /// Available with restrictions.
    Less,
    /// Not available.
    Missing,
}

/// Every check, the most important first.
pub(super) fn all(choices: &BackingChoices) -> Vec<Finding> {
    let machine = [processors(), load(), clock(), files(), room(), kernel()];
    let stores = [stores::sqlite(), stores::postgres(), stores::redis(), stores::kafka(choices), traces()];
    let containers = [programs::engine(), programs::compose()];
    let tools = [programs::k6(), programs::wrk(), programs::kubectl()];
    let found = machine.into_iter().chain(stores).chain(containers);
    found.chain(programs::images()).chain(tools).collect()
}

fn finding(is_good: bool, what: &'static str, found: String, good: &str, less: &str) -> Finding {
    Finding {
        state: if is_good { State::Good } else { State::Less },
        what,
        found,
        means: (if is_good { good } else { less }).to_owned(),
    }
}

fn processors() -> Finding {
    let budget = Budget::of_this_machine();
    let count = if budget.generator_is_apart() { budget.arms.len() + 1 } else { 1 };
    finding(
        budget.generator_is_apart(),
        "processors",
        count.to_string(),
        &format!("{:?} for the generator, {:?} for all arms", budget.generator, budget.arms),
        "generator and arms share it: latency includes waiting for the generator; two or more tell them apart",
    )
}

/// The operations of a slice of a common scenario: 1,500 a second in 50 ms.
const A_SLICE: u64 = 75;

fn load() -> Finding {
    let look = Look::take(&Budget::of_this_machine());
    let state = look.state(A_SLICE);
    let less = match state {
        Quietness::TooBusy => "too busy for a verdict as it is: a run would stop after its first launch",
        Quietness::Quiet | Quietness::Busy => "intervals get wider, which a report shows",
    };
    let quiet = "the machine is quiet";
    finding(
        state == Quietness::Quiet,
        "other load",
        look.seen(),
        quiet,
        &format!("{less}; {}", look.remedy()),
    )
}

fn clock() -> Finding {
    let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let source =
        fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned());
    let is_fast =
        ["tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"].contains(&source.as_str());
    finding(
        is_fast,
        "clock",
        source,
        "reading the time takes nanoseconds",
        "reading the time may take a system call, which adds about a microsecond to every operation",
    )
}

fn files() -> Finding {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
    finding(
        limit >= ENOUGH_FILES,
        "open files",
        limit.to_string(),
        "room for every connection of a run",
        &format!("a run with many connections may fail: `ulimit -n {ENOUGH_FILES}`"),
    )
}

fn room() -> Finding {
    let folder = std::env::temp_dir();
    let free = free_bytes(&folder).unwrap_or(0);
    finding(
        free >= ENOUGH_ROOM,
        "disk space",
        format!("{} MiB in {}", free >> 20, folder.display()),
        "room for a run's databases and logs",
        "a run may fill it: `TMPDIR=DIR` chooses another folder",
    )
}

fn kernel() -> Finding {
    let release =
        uname().map_or_else(|_| "unknown".to_owned(), |names| names.release().to_string_lossy().into_owned());
    let has_children = Path::new(&format!("/proc/{0}/task/{0}/children", std::process::id())).exists();
    finding(
        has_children,
        "kernel",
        release,
        "CPU time of a database server's own processes can be seen",
        "it does not list a process's children: CPU time of a native PostgreSQL server is not seen",
    )
}

fn traces() -> Finding {
    Finding {
        state: State::Good,
        what: "traces",
        found: "embedded".to_owned(),
        means: "the lab receives spans itself".to_owned(),
    }
}
