//! All shards of one algorithm.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    Capacity, Full, Held, Keeper,
    key::Key,
    shard::{Shard, WAYS},
};
use crate::{
    Limit, Standing,
    algorithm::{Fields, State},
};

/// The number of locks, and so the most requests that are counted at the same time.
const SHARDS: usize = 64;

/// A charge with its hashed key.
pub(super) struct Keyed<'a> {
    pub(super) key: Key,
    pub(super) limit: &'a Limit,
    pub(super) enforced: bool,
    pub(super) cost: u32,
}

/// The cost of a charge on top of the earlier charges of the same key: the request needs room for all of them.
///
/// An earlier dry run that does not fit is left out, because it is not charged. An enforced one counts although
/// it does not fit, because the whole request is refused, and comes back when there is room for all.
fn on_top(before: &[Keyed<'_>], standings: &[Standing], charge: &Keyed<'_>) -> u32 {
    let counts = |other: &Keyed<'_>, it: &Standing| other.key == charge.key && (it.admits || other.enforced);
    let same = before.iter().zip(standings).filter(|(other, it)| counts(other, it));
    same.map(|(other, _)| other.cost).fold(charge.cost.max(1), u32::saturating_add)
}

pub(super) struct Table<S> {
    shards: Box<[Mutex<Shard<S>>]>,
}

impl<S: State> Table<S> {
    pub(super) fn new(capacity: Capacity) -> Self {
        let sets = (2 * capacity.keys).div_ceil(WAYS).max(1);
        // A small table has fewer shards, so that each has several sets.
        let shards = SHARDS.min(sets.div_ceil(4).next_power_of_two());
        let shard = |_| Mutex::new(Shard::new(sets.div_ceil(shards), capacity.log_bytes / shards));
        Self { shards: (0..shards).map(shard).collect() }
    }

    fn lock(&self, index: usize) -> MutexGuard<'_, Shard<S>> {
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard_of(&self, key: Key) -> MutexGuard<'_, Shard<S>> {
        self.lock(key.shard(self.shards.len()))
    }

    /// Charges all, or none if one is refused or the request `is_refused` already.
    fn take_or_judge(
        &self,
        charges: &[Keyed<'_>],
        is_refused: bool,
        now: u64,
    ) -> Result<Vec<Standing>, Full> {
        let index = |charge: &Keyed<'_>| charge.key.shard(self.shards.len());
        // Locked in ascending order, so that two calls cannot deadlock.
        let mut wanted: Vec<usize> = charges.iter().map(index).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut locked: Vec<_> = wanted.iter().map(|index| self.lock(*index)).collect();
        let shard = |charge: &Keyed<'_>| wanted.partition_point(|wanted| *wanted < index(charge));
        let mut standings = Vec::with_capacity(charges.len());
        for (number, charge) in charges.iter().enumerate() {
            let cost = on_top(&charges[..number], &standings, charge);
            standings.push(locked[shard(charge)].judge(charge, cost, now)?);
        }
        let has_refusal =
            charges.iter().zip(&standings).any(|(charge, standing)| charge.enforced && !standing.admits);
        let refused = is_refused || has_refusal;
        for (charge, standing) in charges.iter().zip(&mut standings) {
            let shard = &mut locked[shard(charge)];
            *standing =
                if refused { shard.with_more(charge, *standing, now) } else { shard.take(charge, now) };
        }
        Ok(standings)
    }
}

impl<S: State> Keeper for Table<S> {
    fn take_one(&self, charge: &Keyed<'_>, now: u64) -> Result<Standing, Full> {
        let mut shard = self.shard_of(charge.key);
        shard.make_room(charge.key, now)?;
        Ok(shard.take(charge, now))
    }

    fn take_all(&self, charges: &[Keyed<'_>], now: u64) -> Result<Vec<Standing>, Full> {
        self.take_or_judge(charges, false, now)
    }

    fn judge_all(&self, charges: &[Keyed<'_>], now: u64) -> Result<Vec<Standing>, Full> {
        self.take_or_judge(charges, true, now)
    }

    fn fields(&self, key: Key) -> Option<Fields> {
        self.shard_of(key).fields(key)
    }

    fn set_fields(&self, key: Key, limit: &Limit, fields: Fields, now: u64) {
        self.shard_of(key).set_fields(key, limit, fields, now);
    }

    fn held(&self) -> Held {
        let mut held = Held::default();
        for index in 0..self.shards.len() {
            let shard = self.lock(index);
            held.keys += shard.keys;
            held.evicted += shard.evicted;
            held.places += shard.places() as u64;
            held.bytes += shard.bytes() as u64;
        }
        held
    }
}
