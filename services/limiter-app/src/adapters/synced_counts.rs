//! Counts in this process, brought together with those of others through Redis.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use backing::{Background, Redis};
use contract::{MonotonicTicks, Unavailable, Why};
use limiter::{
    Algorithm, Capacity, Charge, CountError, CountKey, Counts, Fields, Limit, LocalCounts, Take, Taken,
};
use prometheus_client::{metrics::counter::Counter, registry::Registry};
use redis::Script;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    HeldMetrics,
    redis_counts::{add_script, with_limit},
};

/// How often what was admitted here is told, and what was admitted elsewhere is heard of.
const SYNC_EVERY: Duration = Duration::from_millis(100);
/// Keys that are told of in one interval; what is admitted for others counts here alone.
const MAX_TOLD: usize = 10_000;
/// Keys of one script: it keeps the server for about a millisecond.
const KEYS_A_SCRIPT: usize = 500;
/// Numbers that the script returns for a key.
const NUMBERS: usize = 3;

/// Decides at once, by a copy of the state; every [`SYNC_EVERY`] what was admitted here is added to what Redis holds, and
/// the sum becomes the copy.
///
/// What is admitted in one interval is admitted without knowing of the others: that surplus is what this costs. It is
/// remembered, so that it is made up for later where the algorithm can owe (all but the fixed window).
/// While Redis is away each process counts for itself, as with `state=local`: there is always an answer, so `on-failure`
/// has no say. What was admitted meanwhile is not told later, when it would be old.
pub struct SyncedCounts {
    shared: Arc<Shared>,
}

struct Shared {
    local: LocalCountsOf,
    redis: Redis,
    script: Script,
    /// What was admitted here since the last round. Held while a key is charged, so that no charge falls between a sum and
    /// the copy that it becomes.
    untold: Mutex<HashMap<CountKey, Untold>>,
    metrics: Metrics,
}

struct LocalCountsOf {
    algorithm: Algorithm,
    counts: Arc<LocalCounts>,
}

#[derive(Clone, Copy)]
struct Untold {
    limit: Limit,
    cost: u32,
}

#[derive(Clone, Default)]
struct Metrics {
    told: Counter,
    lost: Counter,
    failed: Counter,
}

impl SyncedCounts {
    /// By this algorithm; a background task brings the counts together.
    ///
    /// A token bucket is counted as [`Algorithm::Gcra`], whose decisions are the same, because that can owe more than it
    /// holds.
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
        let ticks = Arc::new(MonotonicTicks::new());
        let counts = Arc::new(LocalCounts::new(algorithm, Capacity::default(), secret, ticks));
        registry.register_collector(Box::new(HeldMetrics(Arc::clone(&counts))));
        let shared = Arc::new(Shared {
            local: LocalCountsOf { algorithm, counts },
            redis,
            script: add_script(algorithm),
            untold: Mutex::default(),
            metrics: Metrics::register(registry),
        });
        let syncing = Arc::clone(&shared);
        background.start(|stop| sync(syncing, stop));
        Self { shared }
    }
}

#[async_trait]
impl Counts for SyncedCounts {
    async fn take(&self, take: Take) -> Result<Taken, CountError> {
        let mut untold = self.shared.untold();
        let taken = self.shared.local.counts.take_now(&take)?;
        let refused =
            take.charges.iter().zip(&taken.standings).any(|(charge, it)| charge.enforced && !it.admits);
        if !refused {
            for (charge, _) in take.charges.into_iter().zip(&taken.standings).filter(|(_, it)| it.admits) {
                self.shared.metrics.lost.inc_by(u64::from(!note(&mut untold, charge, take.cost)));
            }
        }
        Ok(taken)
    }
}

/// Whether there was room to note what was admitted.
fn note(untold: &mut HashMap<CountKey, Untold>, charge: Charge, cost: u32) -> bool {
    let cost = cost.max(1);
    if let Some(known) = untold.get_mut(&charge.key) {
        known.cost = known.cost.saturating_add(cost);
        return true;
    }
    let has_room = untold.len() < MAX_TOLD;
    if has_room {
        untold.insert(charge.key, Untold { limit: charge.limit, cost });
    }
    has_room
}

impl Shared {
    fn untold(&self) -> MutexGuard<'_, HashMap<CountKey, Untold>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what was admitted here, and takes over what all have admitted.
    async fn round(&self) {
        let told: Vec<_> = std::mem::take(&mut *self.untold()).into_iter().collect();
        for told in told.chunks(KEYS_A_SCRIPT) {
            match self.tell(told).await {
                Ok(states) => self.take_over(told, &states),
                Err(unavailable) => {
                    tracing::debug!(%unavailable, "counts are not brought together");
                    self.metrics.failed.inc();
                }
            }
        }
    }

    async fn tell(&self, told: &[(CountKey, Untold)]) -> Result<Vec<u64>, Unavailable> {
        let mut script = self.script.prepare_invoke();
        script.arg(0);
        for (key, untold) in told {
            script.key(self.redis.key("counts", &key.0));
            with_limit(&mut script, &untold.limit).arg(untold.cost);
        }
        let numbers: Vec<u64> = self.redis.run(&script).await?;
        let is_whole = numbers.len() == NUMBERS * told.len();
        self.metrics.told.inc_by(told.len() as u64);
        is_whole.then_some(numbers).ok_or_else(|| Unavailable::new("redis", Why::Misunderstood))
    }

    fn take_over(&self, told: &[(CountKey, Untold)], states: &[u64]) {
        for ((key, Untold { limit, .. }), numbers) in told.iter().zip(states.chunks(NUMBERS)) {
            let untold = self.untold();
            self.local.counts.set_fields(key, limit, self.local.fields(limit, numbers));
            // What was admitted since then is not in the sum. Where it finds no room any more, the next round adds it.
            if let Some(since) = untold.get(key) {
                let _ = self.local.counts.take_one(&key.0, limit, since.cost);
            }
        }
    }
}

impl LocalCountsOf {
    /// A state of the scripts, whose moments are in microseconds, as one of the pure logic, whose are in nanoseconds.
    fn fields(&self, limit: &Limit, numbers: &[u64]) -> Fields {
        let [first, second, third] = [numbers[0], numbers[1], numbers[2]];
        match self.algorithm {
            Algorithm::Gcra | Algorithm::LeakyBucket | Algorithm::TokenBucket => {
                let parts = second * 1_000;
                let requests = u64::from(limit.requests());
                Fields([first.saturating_mul(1_000) + parts / requests, parts % requests, third])
            }
            Algorithm::FixedWindow | Algorithm::SlidingCounter | Algorithm::SlidingLog => {
                Fields([first, second, third])
            }
        }
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
        registry.register("synced_keys", "Keys whose counts were brought together", metrics.told.clone());
        registry.register(
            "synced_left_out",
            "Charges that count in this process alone, because too many keys were waiting",
            metrics.lost.clone(),
        );
        registry.register(
            "synced_failed",
            "Batches that Redis did not take: their counts stay apart",
            metrics.failed.clone(),
        );
        metrics
    }
}
