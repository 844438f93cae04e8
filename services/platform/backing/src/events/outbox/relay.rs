//! The relay of an outbox: publishes the events and deletes their rows.
//!
//! A key whose first event cannot be published holds up no other key: the relay leaves it out of its batches, and retries
//! its first event beside them. What becomes of the event depends on the reason, as for a consumer group
//! ([`Subscriber::receive`](crate::events::subscriber::Subscriber::receive)): most events become dead letters in the end, and
//! the key goes on with its next event. `Unreachable` and `Overloaded` say that the transport cannot take the event now, so it
//! is retried for as long as that lasts; all events of the key wait in the table, in order, and are part of
//! `outbox_waiting`.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
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
use crate::{
    events::{
        metrics::EventMetrics,
        processing::{Attempts, Patience},
        publisher::Publisher,
    },
    failpoint,
};

/// The largest batch.
const BATCH: usize = 200;
/// The number of keys whose events are published concurrently; and the number of failing keys that are retried in one pass, so
/// that a pass waits for one time-out of theirs at most.
const KEYS_AT_ONCE: usize = 16;
/// With this many failing keys the transport itself counts as unavailable: the relay tries no further keys until some of
/// these have been published. The keys are a parameter of the relay's query.
const MAX_FAILING: usize = 1_000;
/// The time limit for publishing one event.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(2);
/// The polling interval while events are found that nobody has told of, and how long that lasts after the last one; and the
/// interval otherwise. Those that this process commits need no polling.
const POLL_EVERY: Duration = Duration::from_millis(20);
const BUSY_FOR: Duration = Duration::from_secs(1);
const POLL_IDLE_EVERY: Duration = Duration::from_millis(100);
/// How long a relay that another one kept from the lease does not ask for it again.
const YIELDS_FOR: Duration = Duration::from_millis(500);
/// The duration of a lease. The relay renews it after half of that; the lease of one that was killed keeps those of other
/// processes from publishing until it ends.
const LEASE: Duration = Duration::from_secs(4);

/// The relay of one topic.
pub(super) struct Relay {
    topic: &'static str,
    table: Arc<dyn Table>,
    publisher: Arc<dyn Publisher>,
    /// Identifies the relay among those of other processes; the same when its process is started again.
    holder: String,
    leased_until: Option<Instant>,
    /// Another relay has the lease; until this time it is not asked for again.
    yields_until: Instant,
    stop: CancellationToken,
    /// The keys whose first event could not be published and will be retried; about [`MAX_FAILING`] at most.
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
        holder: String,
        metrics: &EventMetrics,
        stop: CancellationToken,
    ) -> Self {
        Self {
            topic,
            table,
            publisher,
            holder,
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
            let is_told = tokio::select! {
                () = stop.cancelled() => break,
                () = written.notified() => true,
                () = sleep(if is_busy { POLL_EVERY } else { POLL_IDLE_EVERY }) => false,
            };
            let failing = self.failing.len();
            let passed = self.pass().await;
            if passed.is_err() {
                // The error is in the log.
                busy_until = Instant::now();
            } else if passed.is_ok_and(|published| published >= BATCH || (published > 0 && !is_told))
                || self.failing.len() > failing
            {
                busy_until = Instant::now() + BUSY_FOR;
            }
        }
        if self.leased_until.is_some() {
            let _ = self.lease(Duration::ZERO).await;
        }
    }

    /// Publishes one batch; returns the number of published events.
    ///
    /// 1. Read the first rows of all keys but the failing ones, and the first row of each failing key that is due for a retry.
    /// 2. Publish each key's events one after the other, up to the first failure, and the keys concurrently.
    /// 3. Delete the rows of the published events with one statement.
    ///
    /// After a crash between 2 and 3, the events are published again, in the same order. Subscribers are idempotent by event
    /// id ([`Subscriber`](crate::events::subscriber::Subscriber)), so the repetitions change nothing, and a subscriber sees
    /// the order of the first time. The same holds if two relays publish at the same time, because a clock was changed or a
    /// process was frozen: the lease saves work, and correctness does not depend on it. So it needs no fencing token, a
    /// number that grows with each holder and by which the transport would refuse an earlier one.
    async fn pass(&mut self) -> Result<usize, Unavailable> {
        if !self.has_lease().await? {
            return Ok(0);
        }
        let mut keys = self.next().await?;
        keys.extend(self.retries().await?);
        let outcomes = stream::iter(keys).map(|rows| self.publish(rows)).buffer_unordered(KEYS_AT_ONCE);
        let outcomes: Vec<KeyOutcome> = outcomes.collect().await;
        let published: Vec<i64> = outcomes.iter().flat_map(|outcome| &outcome.published).copied().collect();
        if !published.is_empty() {
            failpoint::reached("relay", "published");
            self.table.delete(&published).await?;
            self.failing.retain(|_, failing| !published.contains(&failing.position));
        }
        for (row, error) in outcomes.into_iter().filter_map(|outcome| outcome.failed) {
            self.fails(row, &error).await?;
        }
        Ok(published.len())
    }

    /// Reads the first rows of the keys that do not fail, grouped by key.
    async fn next(&mut self) -> Result<Vec<Vec<Row>>, Unavailable> {
        let mut rows = Vec::new();
        if self.failing.len() < MAX_FAILING {
            let failing: Vec<&str> = self.failing.keys().map(String::as_str).collect();
            rows = self.table.next(self.topic, &failing, BATCH).await?;
        }
        let is_all = rows.len() < BATCH && self.failing.is_empty();
        let waiting = if is_all { rows.len() as u64 } else { self.table.waiting(self.topic).await? };
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let mut keys: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in rows {
            keys.entry(row.event.key.clone()).or_default().push(row);
        }
        Ok(keys.into_values().collect())
    }

    /// Reads the first row of each failing key that is due for a retry, up to [`KEYS_AT_ONCE`].
    async fn retries(&mut self) -> Result<Vec<Vec<Row>>, Unavailable> {
        let now = Instant::now();
        let mut due: Vec<_> = self.failing.iter().filter(|(_, failing)| failing.again_at <= now).collect();
        if due.is_empty() {
            return Ok(Vec::new());
        }
        due.sort_unstable_by_key(|(_, failing)| failing.again_at);
        due.truncate(KEYS_AT_ONCE);
        let due: Vec<String> = due.into_iter().map(|(key, _)| key.clone()).collect();
        let keys: Vec<&str> = due.iter().map(String::as_str).collect();
        let rows = self.table.first(self.topic, &keys).await?;
        // A key without rows does not fail any more: another relay has published them.
        let found: HashSet<&str> = rows.iter().map(|row| row.event.key.as_str()).collect();
        for key in keys.into_iter().filter(|key| !found.contains(key)) {
            self.failing.remove(key);
        }
        Ok(rows.into_iter().map(|row| vec![row]).collect())
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
        let new =
            || Failing { position, attempts: Attempts::new(Patience::ByReason), again_at: Instant::now() };
        let failing = self.failing.entry(event.key.clone()).or_insert_with(new);
        // Another event is the key's first one now.
        if failing.position != position {
            *failing = new();
        }
        if let Some(pause) = failing.attempts.pause_after(error.why) {
            tracing::warn!(%error, topic = self.topic, position, "publishing an event from the outbox is retried");
            failing.again_at = Instant::now() + pause;
            return Ok(());
        }
        self.table.give_up(position, &error.to_string()).await?;
        self.failing.remove(&event.key);
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
            self.yields_until = before + YIELDS_FOR;
        }
        Ok(is_ours)
    }

    async fn lease(&self, lasts: Duration) -> Result<bool, Unavailable> {
        let now: Timestamp = SystemClock.now();
        let lease = Lease { topic: self.topic, holder: &self.holder, now, until: now.plus(lasts) };
        self.table.lease(lease).await
    }
}
