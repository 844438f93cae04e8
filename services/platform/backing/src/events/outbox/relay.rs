//! The relay of an outbox: publishes the events and deletes their rows.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use contract::{Clock as _, SystemClock, Timestamp, Unavailable, Why};
use futures::{StreamExt as _, stream};
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use remote::{Context, Trace, scope};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    GROUP,
    table::{Lease, Row, Table},
};
use crate::events::{
    metrics::EventMetrics,
    processing::{Attempts, Patience},
    publisher::Publisher,
};

/// The largest batch.
const BATCH: usize = 200;
/// The number of keys whose events are published concurrently.
const KEYS_AT_ONCE: usize = 16;
/// The time limit for publishing one event.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(2);
/// The polling interval while events are written, and how long that lasts after the last one; and the interval otherwise,
/// for events that another process wrote.
const POLL_EVERY: Duration = Duration::from_millis(20);
const BUSY_FOR: Duration = Duration::from_secs(1);
const POLL_IDLE_EVERY: Duration = Duration::from_millis(500);
/// The duration of a lease. The relay renews it after half of that.
const LEASE: Duration = Duration::from_secs(10);

/// The relay of one topic.
pub(super) struct Relay {
    topic: &'static str,
    table: Arc<dyn Table>,
    publisher: Arc<dyn Publisher>,
    /// Identifies the relay among those of other processes.
    holder: String,
    leased_until: Option<Instant>,
    /// Another relay has the lease; until this time it is not asked for again.
    yields_until: Instant,
    stop: CancellationToken,
    /// The keys whose first event could not be published and will be retried.
    failing: HashMap<String, Failing>,
    waiting: Gauge,
    dead: Counter,
}

struct Failing {
    position: i64,
    attempts: Attempts,
    again_at: Instant,
}

/// The result for the events of one key.
#[derive(Default)]
struct KeyOutcome {
    published: Vec<i64>,
    failed: Option<(Row, Unavailable)>,
}

impl Relay {
    pub(super) fn new(
        topic: &'static str,
        table: Arc<dyn Table>,
        publisher: Arc<dyn Publisher>,
        metrics: &EventMetrics,
        stop: CancellationToken,
    ) -> Self {
        Self {
            topic,
            table,
            publisher,
            holder: format!("{:016x}", remote::new_span_id()),
            leased_until: None,
            yields_until: Instant::now(),
            stop,
            failing: HashMap::new(),
            waiting: metrics.waiting(topic),
            dead: metrics.of_group(topic, GROUP).dead,
        }
    }

    /// Publishes until it is stopped, and then releases the lease.
    pub(super) async fn run(mut self, written: Arc<Notify>) {
        let stop = self.stop.clone();
        let mut busy_until = Instant::now() + BUSY_FOR;
        loop {
            let is_busy = Instant::now() < busy_until;
            tokio::select! {
                () = stop.cancelled() => break,
                () = written.notified() => busy_until = Instant::now() + BUSY_FOR,
                () = sleep(if is_busy { POLL_EVERY } else { POLL_IDLE_EVERY }) => {}
            }
            match self.pass().await {
                Ok(0) => {}
                Ok(_) => busy_until = Instant::now() + BUSY_FOR,
                // The error is in the log.
                Err(_) => busy_until = Instant::now(),
            }
        }
        if self.leased_until.is_some() {
            let _ = self.lease(Duration::ZERO).await;
        }
    }

    /// Publishes one batch; returns the number of published events.
    ///
    /// 1. Read the first rows, and group them by key. Skip the keys that are waiting for a retry.
    /// 2. Publish each key's events one after the other, up to the first failure, and the keys concurrently.
    /// 3. Delete the rows of the published events with one statement.
    ///
    /// After a crash between 2 and 3, the events are published again, in the same order. A subscriber ignores the
    /// repetitions, so it sees the order of the first time. The same holds if two relays publish at the same time, because a
    /// clock was changed or a process was frozen: the lease saves work, and correctness does not depend on it.
    async fn pass(&mut self) -> Result<usize, Unavailable> {
        if !self.has_lease().await? {
            return Ok(0);
        }
        let rows = self.table.next(self.topic, BATCH).await?;
        let is_all = rows.len() < BATCH;
        let waiting = if is_all { rows.len() as u64 } else { self.table.waiting(self.topic).await? };
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let keys = self.due(rows);
        let outcomes = stream::iter(keys).map(|rows| self.publish(rows)).buffer_unordered(KEYS_AT_ONCE);
        let outcomes: Vec<KeyOutcome> = outcomes.collect().await;
        let published: Vec<i64> = outcomes.iter().flat_map(|outcome| &outcome.published).copied().collect();
        if !published.is_empty() {
            self.table.delete(&published).await?;
        }
        for (row, error) in outcomes.into_iter().filter_map(|outcome| outcome.failed) {
            self.fails(row, &error).await?;
        }
        Ok(published.len())
    }

    /// Groups the rows by key, without the keys that are waiting for a retry.
    fn due(&mut self, rows: Vec<Row>) -> Vec<Vec<Row>> {
        let mut keys: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in rows {
            keys.entry(row.event.key.clone()).or_default().push(row);
        }
        // If a key has another first event now, the failed one is published or dead.
        self.failing.retain(|key, failing| {
            keys.get(key).is_some_and(|rows| rows.first().is_some_and(|row| row.position == failing.position))
        });
        let now = Instant::now();
        keys.retain(|key, _| self.failing.get(key).is_none_or(|failing| failing.again_at <= now));
        keys.into_values().collect()
    }

    /// Publishes the events of one key, up to the first failure.
    async fn publish(&self, rows: Vec<Row>) -> KeyOutcome {
        let mut outcome = KeyOutcome::default();
        for row in rows {
            let has_time = self.leased_until.is_some_and(|until| Instant::now() + PUBLISHED_WITHIN < until);
            if !has_time || self.stop.is_cancelled() {
                break;
            }
            let event = row.event.clone();
            // Within the trace of the request that wrote the event.
            let trace = event.headers.trace.as_deref().and_then(Trace::parse);
            let context = Context::unattended();
            let context = Context { trace: trace.unwrap_or(context.trace), ..context };
            let published = timeout(PUBLISHED_WITHIN, scope(context, self.publisher.publish(event))).await;
            match published.unwrap_or_else(|_| Err(Unavailable::new("the publisher", Why::TimedOut))) {
                Ok(()) => outcome.published.push(row.position),
                Err(error) => {
                    outcome.failed = Some((row, error));
                    break;
                }
            }
        }
        outcome
    }

    /// Schedules a retry of an event that could not be published, or makes it a dead letter.
    async fn fails(&mut self, row: Row, error: &Unavailable) -> Result<(), Unavailable> {
        let Row { position, event } = row;
        let failing = self.failing.entry(event.key).or_insert_with(|| Failing {
            position,
            attempts: Attempts::new(Patience::ByReason),
            again_at: Instant::now(),
        });
        // An earlier event of the key failed before, and has been published since.
        if failing.position != position {
            *failing =
                Failing { position, attempts: Attempts::new(Patience::ByReason), again_at: Instant::now() };
        }
        if let Some(pause) = failing.attempts.pause_after(error.why) {
            tracing::warn!(%error, topic = self.topic, position, "publishing an event from the outbox is retried");
            failing.again_at = Instant::now() + pause;
            return Ok(());
        }
        self.table.give_up(position, &error.to_string()).await?;
        tracing::error!(%error, topic = self.topic, position, "a dead letter in the outbox");
        self.dead.inc();
        Ok(())
    }

    async fn has_lease(&mut self) -> Result<bool, Unavailable> {
        if self.leased_until.is_some_and(|until| Instant::now() + LEASE / 2 < until) {
            return Ok(true);
        }
        let before = Instant::now();
        if before < self.yields_until {
            return Ok(false);
        }
        let is_ours = self.lease(LEASE).await?;
        self.leased_until = is_ours.then_some(before + LEASE);
        if !is_ours {
            self.yields_until = before + POLL_IDLE_EVERY;
        }
        Ok(is_ours)
    }

    async fn lease(&self, lasts: Duration) -> Result<bool, Unavailable> {
        let now: Timestamp = SystemClock.now();
        let lease = Lease { topic: self.topic, holder: &self.holder, now, until: now.plus(lasts) };
        self.table.lease(lease).await
    }
}
