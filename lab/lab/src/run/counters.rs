//! The counters of processes, by name, summed over an arm.
//!
//! Those of the platform are in every system; a system declares its own ([`CounterShape`]).

use std::collections::{BTreeMap, BTreeSet};

use load::journeys::CounterShape;
use runtimes::{arm::RunningArm, measure::Scrape};

/// Calls to the components of other processes.
pub(super) const HOPS: &str = "hops";
/// Bytes between processes, in both directions.
pub(super) const BYTES: &str = "bytes";
/// SQL statements.
pub(super) const SQL: &str = "sql";
/// Look-ups that a cache answered.
pub(super) const CACHE_HITS: &str = "cache-hits";
/// Look-ups that missed every tier of a cache.
pub(super) const CACHE_MISSES: &str = "cache-misses";
/// Published events.
pub(super) const EVENTS: &str = "events";
/// Redis commands.
pub(super) const REDIS: &str = "redis";

/// The counters of the platform that are the sum of one metric.
static OF_THE_PLATFORM: [CounterShape; 5] = [
    CounterShape { name: SQL, metric: "sql_statements_total" },
    CounterShape { name: CACHE_HITS, metric: "cache_hits_total" },
    CounterShape { name: CACHE_MISSES, metric: "cache_loads_total" },
    CounterShape { name: EVENTS, metric: "events_published_total" },
    CounterShape { name: REDIS, metric: "redis_commands_total" },
];

/// Sums of counters, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters(BTreeMap<&'static str, f64>);

impl Counters {
    /// The sum of a counter; zero if it was never counted.
    pub(super) fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Adds the growth of every counter between two readings. A counter that restarted at zero adds nothing.
    pub(super) fn add_growth(&mut self, before: &Self, after: &Self) {
        for (&name, after) in &after.0 {
            *self.0.entry(name).or_default() += (after - before.get(name)).max(0.0);
        }
    }
}

fn scrapes(arm: &RunningArm) -> Option<Vec<Scrape>> {
    arm.processes.iter().map(|process| Scrape::of(process.internal).ok()).collect()
}

/// Whether an arm's event log, if it has one, has delivered events.
pub(super) fn delivers(arm: &RunningArm) -> bool {
    let through_a_log = arm.backings.iter().any(|backing| backing.kind == design::BackingKind::Kafka);
    let received = |scrape: &Scrape| scrape.total("events_received_total", &[]) > 0.0;
    !through_a_log || scrapes(arm).is_none_or(|scrapes| scrapes.iter().any(received))
}

/// The counters of an arm, summed over its processes: the platform's, and the system's `own`. `None` if a process does not
/// respond.
pub(super) fn counters(arm: &RunningArm, own: &[CounterShape]) -> Option<Counters> {
    let scrapes = scrapes(arm)?;
    let total = |name: &str, labels: &[(&str, &str)]| {
        scrapes.iter().map(|scrape| scrape.total(name, labels)).sum::<f64>()
    };
    let internal = [("server", "internal")];
    // With one process there are no hops; its internal server only serves the lab.
    let between = if arm.processes.len() > 1 { 1.0 } else { 0.0 };
    let bytes = total("http_received_bytes_total", &internal) + total("http_sent_bytes_total", &internal);
    let hosted = arm.processes.iter().flat_map(|process| process.components).copied();
    let sums = OF_THE_PLATFORM.iter().chain(own).map(|counter| (counter.name, total(counter.metric, &[])));
    let derived = [(HOPS, hops(&scrapes, hosted)), (BYTES, bytes * between)];
    Some(Counters(sums.chain(derived).collect()))
}

/// Requests to the components of other processes, as they were sent: in reports the calls between processes. A call
/// that was retried or hedged counts once for each send, and a call that the caller's breaker or limit rejected does not
/// count.
fn hops<'a>(scrapes: &[Scrape], hosted: impl Iterator<Item = &'a str>) -> f64 {
    // Replicas of a process have the same components.
    let hosted: BTreeSet<&str> = hosted.collect();
    let to = |component: &str| {
        let total = |name: &str, labels: &[(&str, &str)]| {
            let labels = [&[("peer", component)], labels].concat();
            scrapes.iter().map(|scrape| scrape.total(name, &labels)).sum::<f64>()
        };
        let again = total("peer_retries_total", &[]) + total("peer_hedges_total", &[("outcome", "sent")]);
        total("peer_calls_total", &[]) + again - total("peer_rejected_total", &[])
    };
    hosted.into_iter().map(to).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_restarted_adds_nothing() {
        let reading = |sql: f64, echoes: f64| Counters([(SQL, sql), ("echoes", echoes)].into());
        let mut sums = Counters::default();
        sums.add_growth(&reading(2.0, 5.0), &reading(7.0, 1.0));
        sums.add_growth(&reading(7.0, 1.0), &reading(8.0, 4.0));
        assert_eq!([SQL, "echoes", HOPS].map(|name| sums.get(name) as u64), [6, 3, 0]);
    }

    #[test]
    fn a_hop_is_what_was_sent_whichever_replica_took_it() {
        let gateway = Scrape::parse(
            "peer_calls_total{peer=\"links\"} 7\n\
             peer_retries_total{peer=\"links\",reason=\"timed-out\"} 3\n\
             peer_hedges_total{peer=\"links\",outcome=\"sent\"} 2\n\
             peer_hedges_total{peer=\"links\",outcome=\"won\"} 1\n\
             peer_rejected_total{peer=\"links\",by=\"breaker\"} 4\n\
             peer_calls_total{peer=\"clicks\"} 2\n",
        );
        let copy = Scrape::parse("peer_calls_total{peer=\"clicks\"} 1\n");
        let hosted = ["links", "links", "clicks", "clicks"];
        assert!((hops(&[gateway, copy], hosted.into_iter()) - 11.0).abs() < f64::EPSILON);
    }
}
