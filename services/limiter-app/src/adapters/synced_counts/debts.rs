//! Debts: keys with more admissions across all replicas than a state can represent. They are refused until
//! time makes up for it.

use std::{collections::HashMap, time::Duration};

use limiter::{
    Algorithm, Charge, CountKey, Fields, Limit, LocalCounts, Standing, State,
    algorithm::{FixedWindow, Gcra, LeakyBucket, SlidingCounter, SlidingLog, TokenBucket},
};

/// Keys that may be in debt at once; the debt of a further one is forgiven.
const MAX_OWING: usize = 10_000;

/// The keys in debt, with their states after it.
#[derive(Default)]
pub(super) struct Owed(HashMap<CountKey, Owing>);

struct Owing {
    limit: Limit,
    /// The end of the debt, in nanoseconds since 1970.
    until: u64,
    /// The merged state, valid from the end of the debt on.
    sum: Fields,
}

impl Owed {
    /// Records a debt; `false` if too many keys are in debt.
    pub(super) fn note(
        &mut self,
        key: &CountKey,
        limit: &Limit,
        sum: Fields,
        now: u64,
        for_so_long: Duration,
    ) -> bool {
        let has_room = self.0.len() < MAX_OWING || self.0.contains_key(key);
        if has_room {
            let until = now.saturating_add(for_so_long.as_nanos() as u64);
            self.0.insert(key.clone(), Owing { limit: *limit, until, sum });
        }
        has_room
    }

    /// Removes a debt that a newer sum has replaced.
    pub(super) fn remove(&mut self, key: &CountKey) {
        self.0.remove(key);
    }

    /// The standing of each charge whose key is in debt; `None` for the others, which the local counts judge.
    pub(super) fn of(
        &mut self,
        charges: &[Charge],
        algorithm: Algorithm,
        counts: &LocalCounts,
        now: u64,
    ) -> Vec<Option<Standing>> {
        charges.iter().map(|charge| self.of_one(charge, algorithm, counts, now)).collect()
    }

    fn of_one(
        &mut self,
        charge: &Charge,
        algorithm: Algorithm,
        counts: &LocalCounts,
        now: u64,
    ) -> Option<Standing> {
        let owing = self.0.get(&charge.key)?;
        if owing.until > now {
            let fits = look_at(algorithm, None, charge, now).admits;
            let more_after = Duration::from_nanos(owing.until - now);
            return Some(Standing {
                admits: false,
                remaining: 0,
                more_after,
                reset_after: more_after + charge.limit.window(),
                retry_after: fits.then_some(more_after),
                wait: Duration::ZERO,
            });
        }
        counts.set_fields(&charge.key, &owing.limit, owing.sum);
        self.0.remove(&charge.key);
        None
    }

    /// Ends the debts that are due, and restores their states.
    pub(super) fn settle_all(&mut self, counts: &LocalCounts, now: u64) {
        for (key, owing) in self.0.extract_if(|_, owing| owing.until <= now) {
            counts.set_fields(&key, &owing.limit, owing.sum);
        }
    }
}

/// The standing of a request, without charging it.
pub(super) fn look(algorithm: Algorithm, counts: &LocalCounts, charge: &Charge, now: u64) -> Standing {
    look_at(algorithm, counts.fields(&charge.key), charge, now)
}

/// The same for a key with this state, or a new one.
fn look_at(algorithm: Algorithm, fields: Option<Fields>, charge: &Charge, now: u64) -> Standing {
    fn by<S: State>(fields: Option<Fields>, charge: &Charge, now: u64) -> Standing {
        let mut state = fields.map_or_else(S::default, S::from_fields);
        let standing = state.look(&charge.limit, charge.cost, now);
        state.with_more(standing, &charge.limit, now)
    }
    let by = match algorithm {
        Algorithm::FixedWindow => by::<FixedWindow>,
        Algorithm::SlidingLog => by::<SlidingLog>,
        Algorithm::SlidingCounter => by::<SlidingCounter>,
        Algorithm::TokenBucket => by::<TokenBucket>,
        Algorithm::LeakyBucket => by::<LeakyBucket>,
        Algorithm::Gcra => by::<Gcra>,
    };
    by(fields, charge, now)
}
