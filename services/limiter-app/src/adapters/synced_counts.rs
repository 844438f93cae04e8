//! Counts in this process, merged with those of the other replicas through Redis.
//!
//! A charge never waits for the network. A background task merges every 100 ms: it adds this replica's
//! admissions to the sum in Redis and takes the sum over as the local state. In between the replicas admit
//! too much together; that excess becomes a debt: a key without room for one request is refused until one fits.

mod debts;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use backing::{Background, Redis};
use contract::{MonotonicTicks, Ticks, Unavailable, Why};
use debts::Debts;
use limiter::{
    Algorithm, Capacity, Charge, CountError, CountKey, Counts, Fields, Limit, LocalCounts, MAX_CHARGES, Take,
    Taken,
};
use prometheus_client::{metrics::counter::Counter, registry::Registry};
use redis::Script;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    HeldMetrics,
    redis_counts::{add_script, redis_key, with_limit},
};

/// The interval of merging.
const SYNC_EVERY: Duration = Duration::from_millis(100);
/// Keys merged in one interval; admissions of further ones count in this replica only.
const MAX_PENDING: usize = 10_000;
/// Keys of one script call, which blocks the server for about a millisecond.
const KEYS_A_SCRIPT: usize = 500;
/// The numbers that the script returns for a key: its state, and the time until one more request fits.
const NUMBERS: usize = 4;

/// Decides at once, by a local copy of the state. Every 100 ms the admissions since the last round are added
/// to the sum in Redis, and the sum replaces the copy.
///
/// The cost of this is a surplus: within one interval each replica admits without knowing of the others'
/// admissions. The surplus is a debt: a key with too many admissions is refused until time has made up for them and one
/// request fits. (So it is with GCRA and the leaky bucket. A sliding counter's state may exceed the limit, and refuses by
/// itself. A fixed window ends, and what was too much ends with it.) Debts are kept apart from the local counts: judging takes a
/// time that lies further ahead than a used-up key's for that of a clock that went back, and would forgive the debt.
/// While Redis is unavailable, each replica counts alone, as with `state=local`: there is always a decision,
/// so `on-failure` has no effect. Admissions of that time are not merged later, when they would be out of
/// date.
///
/// The sum is in times of the Redis server's clock, and this process judges it by its own ticks. They begin at the machine's
/// wall clock and do not follow when it is set later. So the clocks of all machines are assumed to be synchronised (by NTP)
/// when the processes start, and not to be set afterwards: clock skew restores a key as much too early or too late.
pub struct SyncedCounts {
    shared: Arc<Shared>,
}

struct Shared {
    algorithm: Algorithm,
    counts: LocalCounts,
    ticks: Arc<dyn Ticks>,
    redis: Redis,
    script: Script,
    /// Held while a request is charged, and while a sum is stored and the admissions since are charged on top of it; not
    /// during the round trip to Redis. So no charge gets lost in between.
    pending_and_debts: Mutex<PendingAndDebts>,
    metrics: Metrics,
}

#[derive(Default)]
struct PendingAndDebts {
    /// The keys requested since the last round, each with the cost that was admitted: the delta that the next round sends. At
    /// most [`MAX_PENDING`].
    pending: HashMap<CountKey, Pending>,
    debts: Debts,
}

#[derive(Clone, Copy)]
struct Pending {
    limit: Limit,
    cost: u32,
}

#[derive(Clone, Default)]
struct Metrics {
    keys: Counter,
    left_out: Counter,
    failed: Counter,
}

impl SyncedCounts {
    /// Starts the counts, and the background task that merges them.
    ///
    /// A token bucket counts as [`Algorithm::Gcra`], which makes the same decisions and whose state can
    /// represent a debt.
    pub fn start(
        algorithm: Algorithm,
        redis: Redis,
        secret: [u8; 16],
        registry: &mut Registry,
        background: &Background,
    ) -> Self {
        let algorithm = match algorithm {
            Algorithm::TokenBucket => Algorithm::Gcra,
            other => other,
        };
        let ticks: Arc<dyn Ticks> = Arc::new(MonotonicTicks::new());
        let shared = Arc::new(Shared {
            algorithm,
            counts: LocalCounts::new(algorithm, Capacity::default(), secret, Arc::clone(&ticks)),
            ticks,
            redis,
            script: add_script(algorithm),
            pending_and_debts: Mutex::default(),
            metrics: Metrics::register(registry),
        });
        let held = Arc::clone(&shared);
        registry.register_collector(Box::new(HeldMetrics::new(move || held.counts.held())));
        let syncing = Arc::clone(&shared);
        background.start(|stop| sync(syncing, stop));
        Self { shared }
    }
}

#[async_trait]
impl Counts for SyncedCounts {
    async fn take(&self, take: Take) -> Result<Taken, CountError> {
        if take.charges.len() > MAX_CHARGES {
            return Err(CountError::TooManyCharges);
        }
        let shared = &self.shared;
        let (mut held, now) = (shared.pending_and_debts(), shared.ticks.ticks());
        // Walkthrough. A key in debt is refused whatever its local state says; `in_debt` has its standing, and
        // `None` for the keys without debt. There are three cases:
        //
        // 1. No key is in debt: the local counts decide.
        // 2. An enforced charge is in debt: the whole request is refused, so the others are judged, but not
        //    charged.
        // 3. Only dry-run charges are in debt: they cannot refuse the request, so the others are charged.
        //
        // `rest` has the standings of the keys without debt; the last step merges both lists in the order of
        // the charges.
        let in_debt = held.debts.standings(&take.charges, shared.algorithm, &shared.counts, now);
        if in_debt.iter().all(Option::is_none) {
            return shared.charge(&mut held, take);
        }
        let refused =
            take.charges.iter().zip(&in_debt).any(|(charge, debt)| charge.enforced && debt.is_some());
        let rest = take.charges.into_iter().zip(&in_debt).filter(|(_, debt)| debt.is_none());
        let rest = Take { charges: rest.map(|(charge, _)| charge).collect() };
        let rest = if refused { shared.counts.judge_now(&rest)? } else { shared.charge(&mut held, rest)? };
        let mut rest = rest.standings.into_iter();
        let standings = in_debt.into_iter().map(|standing| standing.or_else(|| rest.next()));
        Ok(Taken { standings: standings.flatten().collect() })
    }
}

impl Shared {
    fn pending_and_debts(&self) -> MutexGuard<'_, PendingAndDebts> {
        self.pending_and_debts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Charges the local counts, and records the admissions for the next round.
    fn charge(&self, held: &mut PendingAndDebts, take: Take) -> Result<Taken, CountError> {
        let taken = self.counts.take_now(&take)?;
        let refused =
            take.charges.iter().zip(&taken.standings).any(|(charge, it)| charge.enforced && !it.admits);
        for (charge, standing) in take.charges.into_iter().zip(&taken.standings) {
            // Refused requests are recorded as well, with a cost of 0, so that the next round fetches the
            // sum.
            let admitted = if standing.admits && !refused { charge.cost } else { 0 };
            let recorded = held.record(charge, admitted);
            self.metrics.left_out.inc_by(u64::from(!recorded && admitted > 0));
        }
        Ok(taken)
    }

    /// Merges: sends the admissions since the last round, and takes the sums over.
    async fn round(&self) {
        // Taken out as a whole: the lock is free during the round trip, and charges in that time start a new
        // map.
        let pending = std::mem::take(&mut self.pending_and_debts().pending);
        let pending: Vec<_> = pending.into_iter().collect();
        for batch in pending.chunks(KEYS_A_SCRIPT) {
            match self.add(batch).await {
                Ok(sums) => self.take_over(batch, &sums),
                Err(unavailable) => {
                    tracing::debug!(%unavailable, "counts are not merged");
                    self.metrics.failed.inc();
                }
            }
        }
        let now = self.ticks.ticks();
        self.pending_and_debts().debts.settle_all(&self.counts, now);
    }

    /// Adds what is pending to the sums in Redis; returns the sums.
    async fn add(&self, batch: &[(CountKey, Pending)]) -> Result<Vec<Sum>, Unavailable> {
        let mut script = self.script.prepare_invoke();
        script.arg(0);
        for (key, pending) in batch {
            script.key(redis_key(&self.redis, self.algorithm, key));
            with_limit(&mut script, &pending.limit).arg(pending.cost);
        }
        let numbers: Vec<u64> = self.redis.run("add", &script).await?;
        self.metrics.keys.inc_by(batch.len() as u64);
        let (sums, rest) = numbers.as_chunks::<NUMBERS>();
        let is_whole = rest.is_empty() && sums.len() == batch.len();
        let sums =
            batch.iter().zip(sums).map(|((_, pending), sum)| Sum::of(self.algorithm, &pending.limit, *sum));
        is_whole.then(|| sums.collect()).ok_or_else(|| Unavailable::new("redis", Why::Misunderstood))
    }

    /// Stores sums as the local states.
    fn take_over(&self, batch: &[(CountKey, Pending)], sums: &[Sum]) {
        for ((key, Pending { limit, .. }), sum) in batch.iter().zip(sums) {
            // The lock is taken key by key, so that charges wait for one key at most.
            let (mut held, now) = (self.pending_and_debts(), self.ticks.ticks());
            let is_in_debt = !sum.until_one_fits.is_zero();
            if is_in_debt && held.debts.record(key, limit, sum.state, now, sum.until_one_fits) {
                continue;
            }
            held.debts.remove(key);
            let before = self.counts.fields(key);
            self.counts.set_fields(key, limit, sum.state);
            // The sum lacks the admissions since the round began. The next round adds them to Redis in any case, so
            // a refusal here loses nothing.
            if let Some(since) = held.pending.get(key).filter(|since| since.cost > 0) {
                let _ = self.counts.take_one(&key.0, limit, since.cost);
            }
            // The sum of a server that was flushed may be below this replica's state.
            if let (Some(before), Some(merged)) = (before, self.counts.fields(key)) {
                self.counts.set_fields(key, limit, stricter(self.algorithm, before, merged));
            }
        }
    }
}

/// The stricter of two states of one key: the one that admits less.
///
/// That is the state of the later window or time, or the larger count at the same one. For a sliding counter
/// it is a mix: an admission merged after its window ended is in this replica's previous count, but in the
/// sum's current one, so neither state alone has all.
fn stricter(algorithm: Algorithm, one: Fields, other: Fields) -> Fields {
    let ([window, previous, current], [other_window, other_previous, other_current]) = (one.0, other.0);
    if algorithm == Algorithm::SlidingCounter && window == other_window {
        return Fields([window, previous.max(other_previous), current.max(other_current)]);
    }
    if one.0 < other.0 { other } else { one }
}

impl PendingAndDebts {
    /// Records an admission for the next round; `false` if the map is full.
    fn record(&mut self, charge: Charge, cost: u32) -> bool {
        if let Some(pending) = self.pending.get_mut(&charge.key) {
            pending.cost = pending.cost.saturating_add(cost);
            return true;
        }
        let has_room = self.pending.len() < MAX_PENDING;
        if has_room {
            self.pending.insert(charge.key, Pending { limit: charge.limit, cost });
        }
        has_room
    }
}

/// The sum of a key in Redis: the admissions of all replicas.
struct Sum {
    state: Fields,
    /// The time until one request fits: the duration of the debt. Zero if one fits now, and for algorithms without debts.
    until_one_fits: Duration,
}

impl Sum {
    /// The numbers of the script, in microseconds, as a state of the pure logic, in nanoseconds.
    fn of(algorithm: Algorithm, limit: &Limit, numbers: [u64; NUMBERS]) -> Self {
        let [first, second, third, until_one_fits_us] = numbers;
        let state = match algorithm {
            Algorithm::Gcra | Algorithm::LeakyBucket | Algorithm::TokenBucket => {
                // `second` counts parts of a microsecond, `requests` of which are one; `Moment` does so of a nanosecond.
                let (parts, requests) = (second * 1_000, u64::from(limit.requests()));
                Fields([first.saturating_mul(1_000) + parts / requests, parts % requests, third])
            }
            Algorithm::FixedWindow | Algorithm::SlidingCounter => Fields([first, second, third]),
            Algorithm::SlidingLog => unreachable!("`system.rs` refuses `state=synced` with `sliding-log`"),
        };
        Self { state, until_one_fits: Duration::from_micros(until_one_fits_us) }
    }
}

async fn sync(shared: Arc<Shared>, stop: CancellationToken) {
    let mut beats = interval(SYNC_EVERY);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let syncing = async {
        loop {
            beats.tick().await;
            shared.round().await;
        }
    };
    stop.run_until_cancelled(syncing).await;
}

impl Metrics {
    fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("synced_keys", "Keys whose counts were merged", metrics.keys.clone());
        registry.register(
            "synced_left_out",
            "Charges that count in this process alone, because too many keys were waiting",
            metrics.left_out.clone(),
        );
        registry.register(
            "synced_failed",
            "Batches that Redis did not take: their counts stay apart",
            metrics.failed.clone(),
        );
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_states_that_is_kept_which_admits_less() {
        let kept = |algorithm, one, other| {
            let kept = stricter(algorithm, Fields(one), Fields(other)).0;
            assert_eq!(stricter(algorithm, Fields(other), Fields(one)).0, kept, "whichever comes first");
            kept
        };
        assert_eq!(kept(Algorithm::Gcra, [9, 1, 0], [9, 2, 0]), [9, 2, 0]);
        assert_eq!(kept(Algorithm::FixedWindow, [7, 90, 0], [8, 1, 0]), [8, 1, 0]);
        assert_eq!(kept(Algorithm::SlidingCounter, [7, 90, 90], [8, 90, 1]), [8, 90, 1]);
        // Merged after the window ended: here it is in the previous count, in the sum in the current one.
        assert_eq!(kept(Algorithm::SlidingCounter, [8, 50, 10], [8, 40, 70]), [8, 50, 70]);
    }
}
