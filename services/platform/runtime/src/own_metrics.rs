//! A process's metrics about itself, under the names of Prometheus' own client libraries.
//!
//! Read from `/proc` on each scrape.

use procfs::{ProcResult, WithCurrentSystemInfo as _, process::Process};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

/// `process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_open_fds`, `process_start_time_seconds`.
#[derive(Debug)]
pub(crate) struct OwnMetrics;

/// One reading.
struct Reading {
    cpu_seconds: f64,
    resident_bytes: u64,
    open_fds: u64,
    started_seconds: f64,
}

impl Reading {
    fn now() -> ProcResult<Self> {
        let process = Process::myself()?;
        let stat = process.stat()?;
        let ticks = procfs::ticks_per_second() as f64;
        Ok(Self {
            cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
            resident_bytes: stat.rss_bytes().get(),
            open_fds: process.fd_count()? as u64,
            started_seconds: procfs::boot_time_secs()? as f64 + stat.starttime as f64 / ticks,
        })
    }
}

impl Collector for OwnMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Ok(now) = Reading::now() else { return Ok(()) };
        let cpu = ConstCounter::new(now.cpu_seconds);
        let help = "Processor time of this process, user and system";
        cpu.encode(encoder.encode_descriptor(
            "process_cpu",
            help,
            Some(&Unit::Seconds),
            cpu.metric_type(),
        )?)?;
        let memory = ConstGauge::new(now.resident_bytes);
        let help = "Memory of this process that is in RAM";
        let unit = Some(&Unit::Bytes);
        memory.encode(encoder.encode_descriptor(
            "process_resident_memory",
            help,
            unit,
            memory.metric_type(),
        )?)?;
        let fds = ConstGauge::new(now.open_fds);
        let help = "File descriptors that are open";
        fds.encode(encoder.encode_descriptor("process_open_fds", help, None, fds.metric_type())?)?;
        let started = ConstGauge::new(now.started_seconds);
        let help = "When this process started, since 1970-01-01 00:00 UTC";
        let unit = Some(&Unit::Seconds);
        started.encode(encoder.encode_descriptor("process_start_time", help, unit, started.metric_type())?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use prometheus_client::{encoding::text::encode, registry::Registry};

    use super::*;

    #[test]
    fn a_process_says_what_it_uses_and_since_when_it_runs() {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(OwnMetrics));
        let mut text = String::new();
        encode(&mut text, &registry).expect("metrics");
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no `{name}` in\n{text}"))
        };
        assert!(value("process_cpu_seconds_total") >= 0.0);
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_open_fds") >= 3.0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs_f64();
        let age = now - value("process_start_time_seconds");
        assert!((-2.0..3_600.0).contains(&age), "it started {age} s ago");
    }
}
