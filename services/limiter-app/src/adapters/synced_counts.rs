//! Counts in this process, brought together with those of others through Redis.

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

/// How often what was admitted here is told, and what was admitted elsewhere is heard of.
const SYNC_EVERY: Duration = Duration::from_millis(100);
/// Keys that are told of in one interval; what is admitted for others counts here alone.
const MAX_TOLD: usize = 10_000;
/// Keys of one script: it keeps the server for about a millisecond.
const KEYS_A_SCRIPT: usize = 500;
/// Numbers that the script returns for a key.
const NUMBERS: usize = 4;

/// Decides at once, by a copy of the state; every 100 ms what was admitted here is added to what Redis holds, and
/// the sum becomes the copy.
///
/// What is admitted in one interval is admitted without knowing of the others: that surplus is what this costs. It is
/// owed: who was admitted too much waits until it is made up for (not with the fixed window, whose windows end).
/// While Redis is away each process counts for itself, as with `state=local`: there is always an answer, so `on-failure`
/// has no say. What was admitted meanwhile is not told later, when it would be old.
pub struct SyncedCounts {
    shared: Arc<Shared>,
}

struct Shared {
    algorithm: Algorithm,
    counts: LocalCounts,
    ticks: Arc<dyn Ticks>,
    redis: Redis,
    script: Script,
    /// Held while a key is charged, so that no charge falls between a sum and the copy that it becomes.
    known: Mutex<Known>,
    metrics: Metrics,
}

#[derive(Default)]
struct Known {
    /// What was asked for here since the last round, and how much of it was admitted: at most [`MAX_TOLD`].
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

    /// Charges here, and notes what has to be told.
    fn charge(&self, known: &mut Known, take: Take) -> Result<Taken, CountError> {
        let taken = self.counts.take_now(&take)?;
        let refused =
            take.charges.iter().zip(&taken.standings).any(|(charge, it)| charge.enforced && !it.admits);
        for (charge, standing) in take.charges.into_iter().zip(&taken.standings) {
            // Also of what was refused: whoever asks hears what the others have admitted.
            let admitted = if standing.admits && !refused { charge.cost } else { 0 };
            let noted = known.note(charge, admitted);
            self.metrics.lost.inc_by(u64::from(!noted && admitted > 0));
        }
        Ok(taken)
    }

    /// Tells what was admitted here, and takes over what all have admitted.
    async fn round(&self) {
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
            let (mut known, now) = (self.known(), self.ticks.ticks());
            let sum = fields(self.algorithm, limit, numbers);
            let owed = Duration::from_micros(numbers[3]);
            if !owed.is_zero() && known.owed.note(key, limit, sum, now, owed) {
                continue;
            }
            known.owed.forget(key);
            let before = self.counts.fields(key);
            self.counts.set_fields(key, limit, sum);
            // What was admitted since then is not in the sum. Where it finds no room any more, the next round adds it.
            if let Some(since) = known.untold.get(key).filter(|since| since.cost > 0) {
                let _ = self.counts.take_one(&key.0, limit, since.cost);
            }
            // A server that was flushed knows less than this process does.
            if let (Some(before), Some(sum)) = (before, self.counts.fields(key)) {
                self.counts.set_fields(key, limit, stricter(self.algorithm, before, sum));
            }
        }
    }
}

/// Of two states of a key the one that admits less, or what of both does.
///
/// The one that speaks of a later time, or of more in the same. What a copy told after the end of a window is in its own
/// count of the window before, and in the sum's of this one, so that of a sliding counter neither alone says all.
fn stricter(algorithm: Algorithm, one: Fields, other: Fields) -> Fields {
    let ([window, previous, current], [other_window, other_previous, other_current]) = (one.0, other.0);
    if algorithm == Algorithm::SlidingCounter && window == other_window {
        return Fields([window, previous.max(other_previous), current.max(other_current)]);
    }
    if one.0 < other.0 { other } else { one }
}

impl Known {
    /// Whether there was room to note what was admitted, if anything was.
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

/// A state of the scripts, whose moments are in microseconds, as one of the pure logic, whose are in nanoseconds.
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
        // Told after the window ended: here it is in the count before, elsewhere in this one.
        assert_eq!(kept(Algorithm::SlidingCounter, [8, 50, 10], [8, 40, 70]), [8, 50, 70]);
    }
}
