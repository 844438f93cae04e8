//! The counters of processes, summed over an arm.

use std::collections::BTreeSet;

use runtimes::{arm::RunningArm, measure::Scrape};

use super::gathered::COUNTERS;

fn scrapes(arm: &RunningArm) -> Option<Vec<Scrape>> {
    arm.processes.iter().map(|process| Scrape::of(process.internal).ok()).collect()
}

/// Whether an arm's event log, if it has one, has delivered events.
pub(super) fn delivers(arm: &RunningArm) -> bool {
    let through_a_log = arm.backings.iter().any(|backing| backing.kind == design::BackingKind::Kafka);
    let received = |scrape: &Scrape| scrape.total("events_received_total", &[]) > 0.0;
    !through_a_log || scrapes(arm).is_none_or(|scrapes| scrapes.iter().any(received))
}

/// The counters of an arm, summed over its processes; `None` if a process does not respond.
pub(super) fn counters(arm: &RunningArm) -> Option<[f64; COUNTERS]> {
    let scrapes = scrapes(arm)?;
    let total = |name: &str, labels: &[(&str, &str)]| {
        scrapes.iter().map(|scrape| scrape.total(name, labels)).sum::<f64>()
    };
    let internal = [("server", "internal")];
    // With one process there are no hops; its internal server only serves the lab.
    let between = if arm.processes.len() > 1 { 1.0 } else { 0.0 };
    let bytes = total("http_received_bytes_total", &internal) + total("http_sent_bytes_total", &internal);
    Some([
        hops(&scrapes, arm.processes.iter().flat_map(|process| process.components).copied()),
        bytes * between,
        total("sql_statements_total", &[]),
        total("cache_hits_total", &[]),
        total("cache_loads_total", &[]),
        total("events_published_total", &[]),
        total("redis_commands_total", &[]),
    ])
}

/// Calls to the components of other processes: in reports the calls between processes.
fn hops<'a>(scrapes: &[Scrape], hosted: impl Iterator<Item = &'a str>) -> f64 {
    // Replicas of a process have the same components.
    let hosted: BTreeSet<&str> = hosted.collect();
    let to = |component: &str| {
        let name = "rpc_client_call_duration_seconds_count";
        scrapes.iter().map(|scrape| scrape.total(name, &[("peer", component)])).sum::<f64>()
    };
    hosted.into_iter().map(to).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_one_hop_however_many_copies_could_have_answered_it() {
        let page = |peer: &str, calls: u32| {
            Scrape::parse(&format!("rpc_client_call_duration_seconds_count{{peer=\"{peer}\"}} {calls}\n"))
        };
        let (gateway, copy) = (page("links", 7), page("clicks", 2));
        let hosted = ["links", "links", "clicks", "clicks"];
        assert!((hops(&[gateway, copy], hosted.into_iter()) - 9.0).abs() < f64::EPSILON);
    }
}
