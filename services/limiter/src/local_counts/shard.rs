//! Keys and their states behind one lock.

use super::{Full, key::Key, table::Keyed};
use crate::{
    Limit, Standing,
    algorithm::{Fields, State},
};

/// Slots of a set, which are searched together: the first halves of their keys fill a cache line.
pub(super) const WAYS: usize = 8;
/// A whole limit, and a whole window, in the unit of a key's usage.
const WHOLE: u32 = 1_024;
/// After this many windows a key is fully restored under any algorithm.
const MOST_WINDOWS: u64 = 3;
/// The number of sets searched for a log to drop.
const SAMPLE: usize = 8;
/// The most logs dropped in one call.
const MOST_DROPS: usize = 64;

/// Slots that are searched together.
#[derive(Clone)]
#[repr(align(64))]
struct Set<S> {
    /// The halves of the keys' hashes.
    first: [u64; WAYS],
    second: [u64; WAYS],
    slots: [Slot<S>; WAYS],
}

#[derive(Clone, Default)]
struct Slot<S> {
    state: S,
    /// The time at which the key is fully restored, in nanoseconds since 1970.
    restored_at: u64,
    /// The window of its limit, rounded up to milliseconds; 31 days fit.
    window_ms: u32,
    /// The share of its limit that was used at its last charge, in parts of [`WHOLE`].
    used: u16,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    set: usize,
    way: usize,
}

pub(super) struct Shard<S> {
    sets: Box<[Set<S>]>,
    /// Heap bytes of the states, and their limit.
    more: usize,
    most: usize,
    /// The set at which the next search for a log to drop starts.
    hand: usize,
    pub(super) keys: u64,
    pub(super) evicted: u64,
}

impl<S> Set<S> {
    fn key(&self, way: usize) -> Key {
        Key { first: self.first[way], second: self.second[way] }
    }

    /// Puts a key into a slot; returns the previous one.
    fn replace(&mut self, way: usize, key: Key) -> Key {
        let held = self.key(way);
        (self.first[way], self.second[way]) = (key.first, key.second);
        held
    }

    /// The slot of a key. Compares all slots: an early exit is unpredictable, and a branch misprediction
    /// costs more.
    fn way_of(&self, key: Key) -> Option<usize> {
        let hit = |way: usize| u32::from(self.first[way] == key.first) << way;
        let mut hits = (0..WAYS).fold(0, |hits, way| hits | hit(way));
        while hits != 0 {
            let way = hits.trailing_zeros() as usize;
            if self.second[way] == key.second {
                return Some(way);
            }
            hits &= hits - 1;
        }
        None
    }
}

impl<S: State> Slot<S> {
    /// Records a key's usage after a request.
    fn note(&mut self, limit: &Limit, standing: &Standing, now: u64) {
        let capacity = S::capacity(limit).max(1);
        // At most a million requests, so the product fits.
        let used = capacity.saturating_sub(standing.remaining) * WHOLE / capacity;
        self.used = used.max(1) as u16;
        self.restored_at = now.saturating_add(standing.reset_after.as_nanos() as u64);
    }

    /// The usage of a key, by which the table evicts: the used share of its limit, times the share of a window
    /// for which that still counts.
    ///
    /// Shares, so that keys of a long limit do not evict those of a short one. A key further ahead than any
    /// can be was left by a clock that went back; it is evicted first, because it might stay for ever.
    fn usage(&self, now: u64) -> u64 {
        let window = u64::from(self.window_ms.max(1)) * 1_000_000;
        let ahead = self.restored_at.saturating_sub(now);
        if ahead > MOST_WINDOWS * window {
            0
        } else {
            u64::from(self.used) * (ahead * u64::from(WHOLE) / window)
        }
    }

    fn is_restored(&self, now: u64) -> bool {
        self.restored_at <= now
    }
}

impl<S: State> Shard<S> {
    /// An empty shard with this many sets, and this many bytes for the heap memory of states.
    pub(super) fn new(sets: usize, most: usize) -> Self {
        let slots = std::array::from_fn(|_| Slot::default());
        let empty = Set { first: [Key::NONE.first; WAYS], second: [Key::NONE.second; WAYS], slots };
        Self { sets: vec![empty; sets].into(), more: 0, most, hand: 0, keys: 0, evicted: 0 }
    }

    /// Judges a request of this cost. Every refusal happens here, before anything is charged.
    pub(super) fn judge(&mut self, charge: &Keyed<'_>, cost: u32, now: u64) -> Result<Standing, Full> {
        self.make_room(charge.key, now)?;
        Ok(match self.find(charge.key) {
            Some(place) => self.slot(place).state.judge(charge.limit, cost, now),
            None => S::default().judge(charge.limit, cost, now),
        })
    }

    /// Adds the time until one more request fits to a standing of `judge`.
    pub(super) fn with_more(&mut self, charge: &Keyed<'_>, standing: Standing, now: u64) -> Standing {
        match self.find(charge.key) {
            Some(place) => self.slot(place).state.with_more(standing, charge.limit, now),
            None => S::default().with_more(standing, charge.limit, now),
        }
    }

    /// Charges a request if it fits.
    pub(super) fn take(&mut self, charge: &Keyed<'_>, now: u64) -> Standing {
        let Some(place) = self.find(charge.key) else {
            let mut state = S::default();
            let standing = state.take(charge.limit, charge.cost, now);
            // A key without a charge needs no slot.
            if standing.admits && charge.cost > 0 {
                self.put(charge.key, charge.limit, state, &standing, now);
            }
            return standing;
        };
        let slot = self.slot(place);
        let before = slot.state.bytes();
        let standing = slot.state.take(charge.limit, charge.cost, now);
        if standing.admits && charge.cost > 0 {
            slot.note(charge.limit, &standing, now);
        }
        let after = slot.state.bytes();
        self.more = self.more + after - before;
        standing
    }

    pub(super) fn fields(&self, key: Key) -> Option<Fields> {
        self.find(key).map(|place| self.sets[place.set].slots[place.way].state.fields())
    }

    pub(super) fn set_fields(&mut self, key: Key, limit: &Limit, fields: Fields, now: u64) {
        let mut state = S::from_fields(fields);
        let standing = state.judge(limit, 1, now);
        self.put(key, limit, state, &standing, now);
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
        let way = |set: usize| self.sets[set].way_of(key);
        if let Some(way) = way(first) {
            return Some(Place { set: first, way });
        }
        // A key goes to its second set only when all slots of its first have been used.
        if self.sets[first].key(WAYS - 1) == Key::NONE {
            return None;
        }
        way(second).map(|way| Place { set: second, way })
    }

    /// The slot for a new key: a restored one, or else the one with the least usage.
    fn place_for(&self, key: Key, now: u64) -> Place {
        let mut least = (u64::MAX, Place { set: 0, way: 0 });
        for set in key.sets(self.sets.len()) {
            for (way, slot) in self.sets[set].slots.iter().enumerate() {
                let place = Place { set, way };
                // Slots are filled in order, so of the slots that were never used the first one is taken. (They
                // count as restored.)
                if slot.is_restored(now) {
                    return place;
                }
                let usage = slot.usage(now);
                if usage < least.0 {
                    least = (usage, place);
                }
            }
        }
        least.1
    }

    fn put(&mut self, key: Key, limit: &Limit, state: S, standing: &Standing, now: u64) {
        let place = self.find(key).unwrap_or_else(|| self.place_for(key, now));
        let held = self.sets[place.set].replace(place.way, key);
        let slot = self.slot(place);
        let evicts = held != key && !slot.is_restored(now);
        let (before, after) = (slot.state.bytes(), state.bytes());
        slot.state = state;
        slot.window_ms = limit.window().as_nanos().div_ceil(1_000_000) as u32;
        slot.note(limit, standing, now);
        self.keys += u64::from(held == Key::NONE);
        self.evicted += u64::from(evicts);
        self.more = self.more + after - before;
    }

    /// Makes room in this shard's logs for another entry by dropping logs of little usage.
    pub(super) fn make_room(&mut self, keep: Key, now: u64) -> Result<(), Full> {
        for _ in 0..MOST_DROPS {
            if self.more <= self.most {
                return Ok(());
            }
            self.drop_one(keep, now);
        }
        if self.more <= self.most { Ok(()) } else { Err(Full) }
    }

    /// Drops the log with the least usage among the next few sets.
    fn drop_one(&mut self, keep: Key, now: u64) {
        let count = self.sets.len();
        self.hand = (self.hand + 1) % count;
        let mut least = None;
        for step in 0..count.min(SAMPLE) {
            let set = (self.hand + step) % count;
            for (way, slot) in self.sets[set].slots.iter().enumerate() {
                let usage = slot.usage(now);
                if self.sets[set].key(way) != keep
                    && slot.state.bytes() > 0
                    && least.is_none_or(|(least, _)| usage < least)
                {
                    least = Some((usage, Place { set, way }));
                }
            }
        }
        if let Some((_, place)) = least {
            let slot = self.slot(place);
            // The key and its window stay, because the next charge needs them to compute its usage.
            let empty = Slot { window_ms: slot.window_ms, ..Slot::default() };
            let dropped = std::mem::replace(slot, empty);
            self.evicted += u64::from(!dropped.is_restored(now));
            self.more -= dropped.state.bytes();
        }
    }
}
