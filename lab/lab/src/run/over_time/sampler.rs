//! Reads what each process counts, ten times a second, while an episode lasts.
//!
//! Each process has a thread, so that one that does not answer delays no other. All run on the processors of the arms:
//! the generator's must not be disturbed, and so every arm pays the same.
//! A reading waits for its reply longer than the interval, because a busy process answers late, and it is the busy one
//! that matters; the next reading comes with the next tenth of a second.

use std::{
    collections::BTreeMap,
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use runtimes::{
    arm::{RunningArm, RunningProcess},
    measure::Scrape,
};

use crate::run::pinned;

/// The interval of readings.
pub(super) const EVERY: Duration = Duration::from_millis(100);
/// The time limit of a reading.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// The metrics that are read; a page has many more, which are not parsed.
const METRICS: [&str; 14] = [
    "peer_calls_total",
    "peer_retries_total",
    "peer_hedges_total",
    "peer_rejected_total",
    "breaker_state",
    "rpc_client_call_duration_seconds_count",
    "redis_commands_total",
    "redis_errors_total",
    "sql_statements_total",
    "requests_shed_total",
    "requests_in_flight",
    "consumer_lag",
    "outbox_waiting",
    "process_start_time_seconds",
];

/// Samples the processes of one arm. Dropping it ends the threads.
pub(in crate::run) struct Sampler {
    /// Sends each thread the start of the slice; closing them ends the episode.
    starts: Vec<SyncSender<Instant>>,
    threads: Vec<JoinHandle<Option<ProcessReadings>>>,
}

/// The readings of one process.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::run) struct ProcessReadings {
    /// Its name in the arm: `links-2`.
    pub(super) process: String,
    /// In order.
    pub(super) readings: Vec<Reading>,
}

/// One reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// When it came, from the start of the slice.
    pub(super) at: Duration,
    /// `None` if the process did not answer.
    pub(super) counts: Option<Counts>,
}

/// What a process has counted since it started.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counts {
    /// When it started, seconds.
    pub(super) started: f64,
    /// By callee.
    pub(super) callees: BTreeMap<String, Calls>,
    pub(super) shed: f64,
    pub(super) in_flight: f64,
    /// Events that wait, by consumer group or outbox.
    pub(super) lag: BTreeMap<String, f64>,
}

/// The calls to one callee.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Calls {
    pub(super) begun: f64,
    pub(super) retries: f64,
    pub(super) hedges: f64,
    pub(super) rejected: f64,
    pub(super) failed: f64,
    pub(super) breaker: Option<f64>,
}

impl Sampler {
    /// Starts the threads, which wait for the slice.
    pub(in crate::run) fn ready(arm: &RunningArm, cpus: &[usize]) -> Result<Self> {
        let mut sampler = Self { starts: Vec::new(), threads: Vec::new() };
        for process in arm.processes.clone() {
            let (start, started) = mpsc::sync_channel(1);
            let cpus = cpus.to_vec();
            let thread = thread::Builder::new().name("sampler".to_owned()).spawn(move || {
                pinned::this_thread(&cpus).ok()?;
                Some(sample(&process, &started))
            });
            sampler.threads.push(thread.context("cannot start a thread")?);
            sampler.starts.push(start);
        }
        Ok(sampler)
    }

    /// Nothing to sample.
    pub(in crate::run) fn none() -> Self {
        Self { starts: Vec::new(), threads: Vec::new() }
    }

    /// The slice starts now.
    pub(in crate::run) fn slice_started(&self) {
        let now = Instant::now();
        for start in &self.starts {
            // Each channel has room for the one slice of an episode.
            let _ = start.try_send(now);
        }
    }

    /// Ends the episode, and returns what was read.
    pub(in crate::run) fn end(mut self) -> Vec<ProcessReadings> {
        self.starts.clear();
        let threads = std::mem::take(&mut self.threads);
        threads.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect()
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.starts.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Reads one process from the start of the slice to its end.
fn sample(process: &RunningProcess, started: &Receiver<Instant>) -> ProcessReadings {
    let mut sampled = ProcessReadings { process: process.name.clone(), readings: Vec::new() };
    let Ok(start) = started.recv() else { return sampled };
    loop {
        let page = Scrape::some_of(process.internal, &METRICS, ANSWER_WITHIN);
        let counts = page.ok().map(|page| Counts::of(&page));
        let now = start.elapsed();
        sampled.readings.push(Reading { at: now, counts });
        // On the grid, so that readings do not drift.
        let ticks = now.as_nanos() / EVERY.as_nanos() + 1;
        let next = EVERY * u32::try_from(ticks).unwrap_or(u32::MAX);
        let left = next.saturating_sub(start.elapsed());
        if started.recv_timeout(left) == Err(RecvTimeoutError::Disconnected) {
            return sampled;
        }
    }
}

impl Counts {
    fn of(page: &Scrape) -> Self {
        let peers = page.label_values("peer_calls_total", "peer").into_iter();
        let stores = ["redis", "postgres"].map(str::to_owned);
        let callees = peers.map(|peer| (Calls::to_peer(page, &peer), peer));
        let callees = callees.chain(stores.map(|store| (Calls::to_store(page, &store), store)));
        let groups = page.label_values("consumer_lag", "group").into_iter();
        let groups = groups.map(|group| (page.total("consumer_lag", &[("group", &group)]), group));
        let outboxes = page.label_values("outbox_waiting", "topic").into_iter();
        let outboxes = outboxes
            .map(|topic| (page.total("outbox_waiting", &[("topic", &topic)]), format!("outbox {topic}")));
        Self {
            started: page.total("process_start_time_seconds", &[]),
            callees: callees.map(|(calls, callee)| (callee, calls)).collect(),
            shed: page.total("requests_shed_total", &[]),
            in_flight: page.total("requests_in_flight", &[]),
            lag: groups.chain(outboxes).map(|(waiting, name)| (name, waiting)).collect(),
        }
    }

    /// Everything that only grows while the process lives.
    pub(super) fn counters(&self) -> impl Iterator<Item = f64> + '_ {
        self.callees.values().flat_map(Calls::counters).chain([self.shed])
    }
}

impl Calls {
    /// Calls to a component.
    fn to_peer(page: &Scrape, peer: &str) -> Self {
        let total = |name: &str| page.total(name, &[("peer", peer)]);
        let ended = "rpc_client_call_duration_seconds_count";
        Self {
            begun: total("peer_calls_total"),
            hedges: page.total("peer_hedges_total", &[("peer", peer), ("outcome", "sent")]),
            failed: total(ended) - page.total(ended, &[("peer", peer), ("error_type", "")]),
            ..Self::to_any(page, peer)
        }
    }

    /// Commands or statements to a store, which has neither retries nor hedges. Those that were passed over while it was
    /// away were not sent.
    fn to_store(page: &Scrape, store: &str) -> Self {
        let any = Self::to_any(page, store);
        let (sent, failed, away) = if store == "redis" {
            let errors = |why| page.total("redis_errors_total", &[("why", why)]);
            (page.total("redis_commands_total", &[]), errors("failed"), errors("away"))
        } else {
            (page.total("sql_statements_total", &[]), 0.0, 0.0)
        };
        let rejected = any.rejected + away;
        Self { begun: sent + rejected, rejected, failed: failed + rejected, ..any }
    }

    fn to_any(page: &Scrape, peer: &str) -> Self {
        let total = |name: &str| page.total(name, &[("peer", peer)]);
        let has_breaker = page.label_values("breaker_state", "peer").iter().any(|known| known == peer);
        Self {
            begun: 0.0,
            retries: total("peer_retries_total"),
            hedges: 0.0,
            rejected: total("peer_rejected_total"),
            failed: 0.0,
            breaker: has_breaker.then(|| total("breaker_state")),
        }
    }

    fn counters(&self) -> [f64; 5] {
        [self.begun, self.retries, self.hedges, self.rejected, self.failed]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_was_called_sent_again_rejected_and_failed_by_callee() {
        let page = Scrape::parse(
            "peer_calls_total{peer=\"links\"} 100\n\
             peer_retries_total{peer=\"links\",reason=\"lost\"} 3\n\
             peer_retries_total{peer=\"links\",reason=\"failed\"} 4\n\
             peer_hedges_total{peer=\"links\",outcome=\"sent\"} 2\n\
             peer_hedges_total{peer=\"links\",outcome=\"won\"} 1\n\
             peer_rejected_total{peer=\"links\",by=\"breaker\"} 5\n\
             peer_rejected_total{peer=\"redis\",by=\"breaker\"} 6\n\
             breaker_state{peer=\"links\"} 2\n\
             rpc_client_call_duration_seconds_count{peer=\"links\",error_type=\"\"} 80\n\
             rpc_client_call_duration_seconds_count{peer=\"links\",error_type=\"rejected\"} 5\n\
             rpc_client_call_duration_seconds_count{peer=\"links\",error_type=\"timed-out\"} 7\n\
             redis_commands_total{role=\"cache\"} 40\n\
             redis_errors_total{why=\"failed\",role=\"cache\"} 1\n\
             redis_errors_total{why=\"away\",role=\"cache\"} 9\n\
             requests_shed_total{server=\"internal\",priority=\"retry\"} 8\n\
             requests_in_flight{server=\"internal\"} 3\n\
             requests_in_flight{server=\"public\"} 1\n\
             consumer_lag{topic=\"clicks\",group=\"counters\"} 12\n\
             outbox_waiting{topic=\"clicks\"} 4\n\
             process_start_time_seconds 1700000000.5\n",
        );
        let counts = Counts::of(&page);
        let links = Calls {
            begun: 100.0,
            retries: 7.0,
            hedges: 2.0,
            rejected: 5.0,
            failed: 12.0,
            breaker: Some(2.0),
        };
        assert_eq!(counts.callees["links"], links);
        let redis = Calls { begun: 55.0, rejected: 15.0, failed: 16.0, ..Calls::default() };
        assert_eq!(counts.callees["redis"], redis);
        assert_eq!((counts.shed, counts.in_flight), (8.0, 4.0));
        let lag: Vec<_> = counts.lag.iter().map(|(name, waiting)| (name.as_str(), *waiting)).collect();
        assert_eq!(lag, [("counters", 12.0), ("outbox clicks", 4.0)]);
    }
}
