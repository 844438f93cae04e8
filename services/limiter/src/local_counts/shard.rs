//! Keys and their states behind one lock.

use std::time::Duration;

use super::{Full, key::Key, table::Keyed};
use crate::{
    Limit, Standing,
    algorithm::{Fields, State},
};

/// Places of a set, which are searched together: their keys fill two cache lines.
pub(super) const WAYS: usize = 8;
/// What a whole limit is in the measure of [`Slot::owed`].
const WHOLE: u64 = 1_024;
/// The most windows after which any algorithm's key is as good as new.
const MOST_WINDOWS: u64 = 3;

/// Places that are searched together.
#[derive(Clone)]
#[repr(align(64))]
struct Set<S> {
    keys: [Key; WAYS],
    slots: [Slot<S>; WAYS],
}

#[derive(Clone, Default)]
struct Slot<S> {
    state: S,
    /// From when on it owes nothing, nanoseconds since 1970.
    good_at: u64,
    /// The window of its limit, rounded up to milliseconds: 31 days fit.
    window_ms: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    set: usize,
    way: usize,
}

pub(super) struct Shard<S> {
    sets: Box<[Set<S>]>,
    /// Bytes of the states beyond the sets, and their limit.
    more: usize,
    most: usize,
    /// Where room in the logs is made next.
    hand: usize,
    pub(super) keys: u64,
    pub(super) evicted: u64,
}

impl<S> Slot<S> {
    /// How much of its limit it still owes; a state that is impossibly far ahead, because the clock went back, as much
    /// as one can owe.
    fn owed(&self, now: u64) -> u64 {
        let window = u64::from(self.window_ms.max(1)) * 1_000_000;
        self.good_at.saturating_sub(now).min(MOST_WINDOWS * window) * WHOLE / window
    }

    fn owes_nothing(&self, now: u64) -> bool {
        self.good_at <= now
    }
}

impl<S: State> Shard<S> {
    /// Empty, with so many sets, a power of two, and so many bytes for what states hold beyond them.
    pub(super) fn new(sets: usize, most: usize) -> Self {
        let empty = Set { keys: [Key::NONE; WAYS], slots: std::array::from_fn(|_| Slot::default()) };
        Self { sets: vec![empty; sets].into(), more: 0, most, hand: 0, keys: 0, evicted: 0 }
    }

    /// Where a request would stand. What says no here says so before anything is charged.
    pub(super) fn look(&mut self, charge: &Keyed<'_>, cost: u32, now: u64) -> Result<Standing, Full> {
        self.make_room(charge.key, now)?;
        Ok(match self.find(charge.key) {
            Some(place) => self.slot(place).state.look(charge.limit, cost, now),
            None => S::default().look(charge.limit, cost, now),
        })
    }

    /// Charges a request if there is room for it.
    pub(super) fn take(&mut self, charge: &Keyed<'_>, cost: u32, now: u64) -> Standing {
        let Some(place) = self.find(charge.key) else {
            let mut state = S::default();
            let standing = state.take(charge.limit, cost, now);
            // A key that was admitted nothing owes nothing.
            if standing.admits {
                self.put(charge.key, charge.limit, state, standing.reset_after, now);
            }
            return standing;
        };
        let slot = self.slot(place);
        let before = slot.state.bytes();
        let standing = slot.state.take(charge.limit, cost, now);
        slot.good_at = now.saturating_add(standing.reset_after.as_nanos() as u64);
        let after = slot.state.bytes();
        self.more = self.more + after - before;
        standing
    }

    pub(super) fn fields(&self, key: Key) -> Option<Fields> {
        self.find(key).map(|place| self.sets[place.set].slots[place.way].state.fields())
    }

    pub(super) fn set_fields(&mut self, key: Key, limit: &Limit, fields: Fields, now: u64) {
        let mut state = S::from_fields(fields);
        let reset_after = state.look(limit, 1, now).reset_after;
        self.put(key, limit, state, reset_after, now);
    }

    pub(super) fn places(&self) -> usize {
        self.sets.len() * WAYS
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val::<[Set<S>]>(&self.sets) + self.more
    }

    fn slot(&mut self, place: Place) -> &mut Slot<S> {
        &mut self.sets[place.set].slots[place.way]
    }

    fn find(&self, key: Key) -> Option<Place> {
        let [first, second] = key.sets(self.sets.len());
        let way = |set: usize| self.sets[set].keys.iter().position(|held| *held == key);
        if let Some(way) = way(first) {
            return Some(Place { set: first, way });
        }
        // No key is ever in its second set while its first has a place that was never used.
        if self.sets[first].keys[WAYS - 1] == Key::NONE {
            return None;
        }
        way(second).map(|way| Place { set: second, way })
    }

    /// Where a key that is not held comes: a place that owes nothing, or else the one that owes least.
    fn place_for(&self, key: Key, now: u64) -> Place {
        let mut least = (u64::MAX, Place { set: 0, way: 0 });
        for set in key.sets(self.sets.len()) {
            for (way, slot) in self.sets[set].slots.iter().enumerate() {
                let place = Place { set, way };
                // Places are used from the first on, so the first that was never used is the first that owes nothing.
                if slot.owes_nothing(now) {
                    return place;
                }
                least = least.min_by_owed((slot.owed(now), place));
            }
        }
        least.1
    }

    fn put(&mut self, key: Key, limit: &Limit, state: S, reset_after: Duration, now: u64) {
        let place = self.find(key).unwrap_or_else(|| self.place_for(key, now));
        let held = std::mem::replace(&mut self.sets[place.set].keys[place.way], key);
        let window_ms = limit.window().as_nanos().div_ceil(1_000_000) as u32;
        let slot = self.slot(place);
        let owed = held != key && !slot.owes_nothing(now);
        let (before, after) = (slot.state.bytes(), state.bytes());
        let good_at = now.saturating_add(reset_after.as_nanos() as u64);
        *slot = Slot { state, good_at, window_ms };
        self.keys += u64::from(held == Key::NONE);
        self.evicted += u64::from(owed);
        self.more = self.more + after - before;
    }

    /// Sees to it that the logs of this shard have room for another entry, by dropping those that owe least, set by set.
    ///
    /// What is dropped was once put there, so that on the whole a call drops no more than it adds.
    pub(super) fn make_room(&mut self, keep: Key, now: u64) -> Result<(), Full> {
        for _ in 0..self.places() {
            if self.more <= self.most {
                return Ok(());
            }
            self.hand = (self.hand + 1) % self.sets.len();
            self.drop_one(self.hand, keep, now);
        }
        if self.more <= self.most { Ok(()) } else { Err(Full) }
    }

    fn drop_one(&mut self, set: usize, keep: Key, now: u64) {
        let Set { keys, slots } = &mut self.sets[set];
        let droppable = keys.iter().zip(slots).filter(|(key, slot)| **key != keep && slot.state.bytes() > 0);
        if let Some((_, slot)) = droppable.min_by_key(|(_, slot)| slot.owed(now)) {
            self.evicted += u64::from(!slot.owes_nothing(now));
            self.more -= slot.state.bytes();
            *slot = Slot { window_ms: slot.window_ms, ..Slot::default() };
        }
    }
}

/// Of two places, the one that owes less.
trait LeastOwed {
    fn min_by_owed(self, other: Self) -> Self;
}

impl LeastOwed for (u64, Place) {
    fn min_by_owed(self, other: Self) -> Self {
        if other.0 < self.0 { other } else { self }
    }
}
