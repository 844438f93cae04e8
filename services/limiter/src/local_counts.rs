//! Counts in this process's memory, which is bounded by construction.
//!
//! | file | what it is |
//! |---|---|
//! | `key` | a count's name as a keyed hash |
//! | `shard` | keys and their states behind one lock: where a key is, which one makes room |
//! | `table` | all shards of one algorithm: several charges, all or none |

mod key;
mod shard;
mod table;

use std::sync::Arc;

use async_trait::async_trait;
use contract::{Ticks, Unavailable, Why};
use key::Key;
use table::{Keyed, Table};

use crate::{
    Algorithm, Charge, CountError, CountKey, Counts, Limit, MAX_CHARGES, Standing, Take, Taken,
    algorithm::{Fields, with_state},
};

/// How much [`LocalCounts`] may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Keys that are held at a time. There is twice the place, all of it taken from the beginning: 96 bytes a key by GCRA.
    /// Of as many keys as this, a few in ten thousand make room for others all the same (`benches`, `limiter`).
    pub keys: usize,
    /// Bytes of all logs ([`Algorithm::SlidingLog`]). Each shard, of which there are at most 64, has its share, and may be
    /// above it by the last growth of one log; until there is room again, its requests cannot be counted.
    pub log_bytes: usize,
}

impl Default for Capacity {
    /// 131,072 keys, 64 MiB of logs.
    fn default() -> Self {
        Self { keys: 1 << 17, log_bytes: 64 << 20 }
    }
}

/// What local counts hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Places that hold a key, whether it still owes anything or not.
    pub keys: u64,
    /// Places for keys.
    pub places: u64,
    /// Keys that made room for others while they still owed something: each is counted anew, and may be admitted more
    /// than its limit.
    pub evicted: u64,
    /// Bytes of all places, and of the logs.
    pub bytes: u64,
}

/// Counts in memory.
///
/// A key is kept as a keyed hash of 128 bits: nobody who does not know the secret can find two keys that share a count.
/// Each hash has 16 places. If all are taken by keys that still owe something, the one that owes least of its limit
/// makes room; so whoever floods the table with new keys pushes out new keys, not one that is used up.
/// Memory does not grow with the number of keys. Source of the places: set-associative caches; of the second choice:
/// Azar, Broder, Karlin, Upfal, "Balanced allocations", 1994.
pub struct LocalCounts {
    table: Box<dyn Keeper>,
    secret: [u8; 16],
    clock: Arc<dyn Ticks>,
}

/// A table of any algorithm.
trait Keeper: Send + Sync {
    fn take_one(&self, charge: &Keyed<'_>, now: u64) -> Result<Standing, Full>;
    fn take_all(&self, charges: &[Keyed<'_>], now: u64) -> Result<Vec<Standing>, Full>;
    fn fields(&self, key: Key) -> Option<Fields>;
    fn set_fields(&self, key: Key, limit: &Limit, fields: Fields, now: u64);
    fn held(&self) -> Held;
}

/// The logs have no room, and none can be made.
#[derive(Clone, Copy, Debug)]
struct Full;

impl From<Full> for CountError {
    fn from(_: Full) -> Self {
        Unavailable::new("counts", Why::Overloaded).into()
    }
}

impl LocalCounts {
    /// Empty counts by this algorithm. The secret has to be drawn at random, and kept.
    pub fn new(algorithm: Algorithm, capacity: Capacity, secret: [u8; 16], clock: Arc<dyn Ticks>) -> Self {
        let table =
            with_state!(algorithm, Counted => Box::new(Table::<Counted>::new(capacity)) as Box<dyn Keeper>);
        Self { table, secret, clock }
    }

    /// What [`Counts::take`] does, at once.
    pub fn take_now(&self, take: &Take) -> Result<Taken, CountError> {
        if take.charges.len() > MAX_CHARGES {
            return Err(CountError::TooManyCharges);
        }
        let now = self.clock.ticks();
        let standings = match take.charges.as_slice() {
            [charge] => vec![self.table.take_one(&self.keyed(charge), now)?],
            charges => {
                let charges: Vec<_> = charges.iter().map(|charge| self.keyed(charge)).collect();
                self.table.take_all(&charges, now)?
            }
        };
        Ok(Taken { standings })
    }

    /// Charges one key, without allocating anything.
    pub fn take_one(&self, key: &str, limit: &Limit, cost: u32) -> Result<Standing, CountError> {
        let charge = Keyed { key: self.key(key), limit, enforced: true, cost };
        Ok(self.table.take_one(&charge, self.clock.ticks())?)
    }

    /// A key's state, if it is held.
    pub fn fields(&self, key: &CountKey) -> Option<Fields> {
        self.table.fields(self.key(&key.0))
    }

    /// Gives a key this state, whatever it had.
    pub fn set_fields(&self, key: &CountKey, limit: &Limit, fields: Fields) {
        self.table.set_fields(self.key(&key.0), limit, fields, self.clock.ticks());
    }

    /// What is held now.
    pub fn held(&self) -> Held {
        self.table.held()
    }

    fn keyed<'a>(&self, charge: &'a Charge) -> Keyed<'a> {
        let Charge { key, limit, enforced, cost } = charge;
        Keyed { key: self.key(&key.0), limit, enforced: *enforced, cost: *cost }
    }

    fn key(&self, name: &str) -> Key {
        Key::of(&self.secret, name)
    }
}

#[async_trait]
impl Counts for LocalCounts {
    async fn take(&self, take: Take) -> Result<Taken, CountError> {
        self.take_now(&take)
    }
}
