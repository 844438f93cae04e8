//! The machine and the time of a measurement.

use std::fs;

use report::model::Machine;
use time::{OffsetDateTime, macros::format_description};

/// The current time, UTC.
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// A time as the beginning of a folder's name: sortable, without characters that need quoting.
pub(crate) fn stamp(moment: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]");
    moment.format(format).unwrap_or_default()
}

/// This machine's description, as far as available.
pub(crate) fn machine() -> Machine {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Machine {
        cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
        cores: cores.max(configured()) as u32,
        memory_mib: memory_mib(),
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
        os: os().unwrap_or_else(|| "unknown".to_owned()),
        rust: env!("LAB_RUSTC").to_owned(),
    }
}

/// The machine's processors; `available_parallelism` counts those of the calling thread, which is pinned.
fn configured() -> usize {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines().filter(|line| line.starts_with("processor")).count()
}

fn memory_mib() -> u64 {
    let kib = field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1_024
}

fn os() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(line.trim_matches('"').to_owned())
}

/// The value of the first line `name : value` of a file.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
