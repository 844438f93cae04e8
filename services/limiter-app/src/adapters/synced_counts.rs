//! Counts in this process, merged with those of the other replicas through Redis.
//!
//! A charge never waits for the network. A background task merges every 100 ms: it adds this replica's
//! admissions to the sum in Redis and takes the sum over as the local state. In between the replicas admit
//! too much together; that excess becomes a debt.

mod owed;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use backing::{Background, Redis};
use contract::{MonotonicTicks, Ticks, Unavailable, Why};
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
use owed::{Owed, look};

/// The interval of merging.
const SYNC_EVERY: Duration = Duration::from_millis(100);
/// Keys merged in one interval; admissions of further ones count in this replica only.
const MAX_TOLD: usize = 10_000;
/// Keys of one script call, which blocks the server for about a millisecond.
const KEYS_A_SCRIPT: usize = 500;
/// The numbers that the script returns for a key.
const NUMBERS: usize = 4;

/// Decides at once, by a local copy of the state. Every 100 ms the admissions since the last round are added
/// to the sum in Redis, and the sum replaces the copy.
///
/// The cost of this is a surplus: within one interval each replica admits without knowing of the others'
/// admissions. The surplus is a debt: a key with too many admissions is refused until they are made up for
/// (not with the fixed window, whose windows end).
/// While Redis is unavailable, each replica counts alone, as with `state=local`: there is always a decision,
/// so `on-failure` has no effect. Admissions of that time are not merged later, when they would be out of
/// date.
pub struct SyncedCounts {
    shared: Arc<Shared>,
}

struct Shared {
    algorithm: Algorithm,
    counts: LocalCounts,
    ticks: Arc<dyn Ticks>,
    redis: Redis,
    script: Script,
    /// Locked while a key is charged, so that no charge is lost between reading a sum and storing it as the
    /// copy.
    known: Mutex<Known>,
    metrics: Metrics,
}

#[derive(Default)]
struct Known {
    /// The requests since the last round, with the admitted part of each: at most [`MAX_TOLD`].
    untold: HashMap<CountKey, Untold>,
    owed: Owed,
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
            known: Mutex::default(),
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
        let (mut known, now) = (shared.known(), shared.ticks.ticks());
        // Walkthrough. A key in debt is refused whatever its local state says; `owed` has its standing, and
        // `None` for the keys without debt. There are three cases:
        //
        // 1. No key is in debt: the local counts decide.
        // 2. An enforced charge is in debt: the whole request is refused, so the others are judged, but not
        //    charged.
        // 3. Only dry-run charges are in debt: they cannot refuse the request, so the others are charged.
        //
        // `rest` has the standings of the keys without debt; the last step merges both lists in the order of
        // the charges.
        let owed = known.owed.of(&take.charges, shared.algorithm, &shared.counts, now);
        if owed.iter().all(Option::is_none) {
            return shared.charge(&mut known, take);
        }
        let refused = take.charges.iter().zip(&owed).any(|(charge, owed)| charge.enforced && owed.is_some());
        let mut rest = if refused {
            let looked = |charge: &Charge| look(shared.algorithm, &shared.counts, charge, now);
            take.charges
                .iter()
                .zip(&owed)
                .filter(|(_, owed)| owed.is_none())
                .map(|(it, _)| looked(it))
                .collect()
        } else {
            let charges = take.charges.into_iter().zip(&owed).filter(|(_, owed)| owed.is_none());
            let charges = charges.map(|(charge, _)| charge).collect();
            shared.charge(&mut known, Take { charges })?.standings
        }
        .into_iter();
        let standings = owed.into_iter().map(|owed| owed.or_else(|| rest.next()));
        Ok(Taken { standings: standings.flatten().collect() })
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Charges the local counts, and records the admissions for the next round.
    fn charge(&self, known: &mut Known, take: Take) -> Result<Taken, CountError> {
        let taken = self.counts.take_now(&take)?;
        let refused =
            take.charges.iter().zip(&taken.standings).any(|(charge, it)| charge.enforced && !it.admits);
        for (charge, standing) in take.charges.into_iter().zip(&taken.standings) {
            // Refused requests are recorded as well, with a cost of 0, so that the next round fetches the
            // sum.
            let admitted = if standing.admits && !refused { charge.cost } else { 0 };
            let noted = known.note(charge, admitted);
            self.metrics.lost.inc_by(u64::from(!noted && admitted > 0));
        }
        Ok(taken)
    }

    /// Merges: sends the admissions since the last round, and takes the sums over.
    async fn round(&self) {
        // Taken out as a whole: the lock is free during the round trip, and charges in that time start a new
        // map.
        let told: Vec<_> = std::mem::take(&mut self.known().untold).into_iter().collect();
        for told in told.chunks(KEYS_A_SCRIPT) {
            match self.tell(told).await {
                Ok(states) => self.take_over(told, &states),
                Err(unavailable) => {
                    tracing::debug!(%unavailable, "counts are not brought together");
                    self.metrics.failed.inc();
                }
            }
        }
        let now = self.ticks.ticks();
        self.known().owed.settle_all(&self.counts, now);
    }

    async fn tell(&self, told: &[(CountKey, Untold)]) -> Result<Vec<u64>, Unavailable> {
        let mut script = self.script.prepare_invoke();
        script.arg(0);
        for (key, untold) in told {
            script.key(redis_key(&self.redis, self.algorithm, key));
            with_limit(&mut script, &untold.limit).arg(untold.cost);
        }
        let numbers: Vec<u64> = self.redis.run("add", &script).await?;
        let is_whole = numbers.len() == NUMBERS * told.len();
        self.metrics.told.inc_by(told.len() as u64);
        is_whole.then_some(numbers).ok_or_else(|| Unavailable::new("redis", Why::Misunderstood))
    }

    fn take_over(&self, told: &[(CountKey, Untold)], states: &[u64]) {
        for ((key, Untold { limit, .. }), numbers) in told.iter().zip(states.chunks(NUMBERS)) {
            // The lock is taken key by key, so that charges wait for one key at most.
            let (mut known, now) = (self.known(), self.ticks.ticks());
            let sum = fields(self.algorithm, limit, numbers);
            let owed = Duration::from_micros(numbers[3]);
            if !owed.is_zero() && known.owed.note(key, limit, sum, now, owed) {
                continue;
            }
            known.owed.remove(key);
            let before = self.counts.fields(key);
            self.counts.set_fields(key, limit, sum);
            // The sum lacks the admissions since the round began. If they do not fit any more, the next round
            // adds them.
            if let Some(since) = known.untold.get(key).filter(|since| since.cost > 0) {
                let _ = self.counts.take_one(&key.0, limit, since.cost);
            }
            // The sum of a server that was flushed may be below this replica's state.
            if let (Some(before), Some(sum)) = (before, self.counts.fields(key)) {
                self.counts.set_fields(key, limit, stricter(self.algorithm, before, sum));
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

impl Known {
    /// Records an admission for the next round; `false` if the map is full.
    fn note(&mut self, charge: Charge, cost: u32) -> bool {
        if let Some(known) = self.untold.get_mut(&charge.key) {
            known.cost = known.cost.saturating_add(cost);
            return true;
        }
        let has_room = self.untold.len() < MAX_TOLD;
        if has_room {
            self.untold.insert(charge.key, Untold { limit: charge.limit, cost });
        }
        has_room
    }
}

/// Converts a state of the scripts, in microseconds, to one of the pure logic, in nanoseconds.
fn fields(algorithm: Algorithm, limit: &Limit, numbers: &[u64]) -> Fields {
    let [first, second, third] = [numbers[0], numbers[1], numbers[2]];
    match algorithm {
        Algorithm::Gcra | Algorithm::LeakyBucket | Algorithm::TokenBucket => {
            let (parts, requests) = (second * 1_000, u64::from(limit.requests()));
            Fields([first.saturating_mul(1_000) + parts / requests, parts % requests, third])
        }
        Algorithm::FixedWindow | Algorithm::SlidingCounter | Algorithm::SlidingLog => {
            Fields([first, second, third])
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
