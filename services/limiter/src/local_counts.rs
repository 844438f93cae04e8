//! Counts in this process's memory, bounded by construction.
//!
//! | file | content |
//! |---|---|
//! | `key` | a count's name as a keyed hash |
//! | `shard` | keys and their states behind one lock: lookup and eviction |
//! | `table` | all shards of one algorithm: charging several keys, all or none |

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

/// The limits of [`LocalCounts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// The keys held at a time. The table has twice as many slots, all allocated at the start: 96 bytes a key
    /// for GCRA, which is two slots of 48 bytes. At this many keys, a few in ten thousand evict others nevertheless (`benches`, `limiter`).
    pub keys: usize,
    /// The bytes of all logs ([`Algorithm::SlidingLog`]). Each shard (there are at most 64) has its share,
    /// and may exceed it by the last growth of one log; then its requests cannot be counted until there is
    /// room again.
    pub log_bytes: usize,
}

impl Default for Capacity {
    /// 131,072 keys and 64 MiB of logs.
    fn default() -> Self {
        Self { keys: 1 << 17, log_bytes: 64 << 20 }
    }
}

/// The contents of local counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Slots that hold a key, fully restored or not.
    pub keys: u64,
    /// All slots.
    pub places: u64,
    /// Keys evicted before they were fully restored: each starts anew and may be admitted more than its
    /// limit.
    pub evicted: u64,
    /// Bytes of all slots and logs.
    pub bytes: u64,
}

/// Counts in memory.
///
/// A key is a keyed hash of 128 bits: without the secret nobody can construct two names that share a count.
/// Each hash has 16 slots. If other keys occupy all of them and none is fully restored, the one with the
/// least usage is evicted: the used share of its limit, weighted by how long that still counts. So a flood of new keys evicts new keys, not a used-up one.
/// Memory does not grow with the number of keys. Source of the slots: set-associative caches; of the second
/// choice: Azar, Broder, Karlin, Upfal, "Balanced allocations", 1994.
pub struct LocalCounts {
    table: Box<dyn Keeper>,
    secret: [u8; 16],
    clock: Arc<dyn Ticks>,
}

/// The table of any algorithm.
trait Keeper: Send + Sync {
    fn take_one(&self, charge: &Keyed<'_>, now: u64) -> Result<Standing, Full>;
    fn take_all(&self, charges: &[Keyed<'_>], now: u64) -> Result<Vec<Standing>, Full>;
    fn judge_all(&self, charges: &[Keyed<'_>], now: u64) -> Result<Vec<Standing>, Full>;
    fn fields(&self, key: Key) -> Option<Fields>;
    fn set_fields(&self, key: Key, limit: &Limit, fields: Fields, now: u64);
    fn held(&self) -> Held;
}

/// The logs have reached their limit, and none can be dropped.
#[derive(Clone, Copy, Debug)]
struct Full;

impl From<Full> for CountError {
    fn from(_: Full) -> Self {
        Unavailable::new("counts", Why::Overloaded).into()
    }
}

impl LocalCounts {
    /// Empty counts. The secret must be random, and stay secret.
    pub fn new(algorithm: Algorithm, capacity: Capacity, secret: [u8; 16], clock: Arc<dyn Ticks>) -> Self {
        let table =
            with_state!(algorithm, Counted => Box::new(Table::<Counted>::new(capacity)) as Box<dyn Keeper>);
        Self { table, secret, clock }
    }

    /// [`Counts::take`] without the async form.
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

    /// The standings of a request that is refused for another reason: nothing is charged.
    pub fn judge_now(&self, take: &Take) -> Result<Taken, CountError> {
        let charges: Vec<_> = take.charges.iter().map(|charge| self.keyed(charge)).collect();
        Ok(Taken { standings: self.table.judge_all(&charges, self.clock.ticks())? })
    }

    /// Charges one key without allocating memory.
    pub fn take_one(&self, key: &str, limit: &Limit, cost: u32) -> Result<Standing, CountError> {
        let charge = Keyed { key: self.key(key), limit, enforced: true, cost };
        Ok(self.table.take_one(&charge, self.clock.ticks())?)
    }

    /// A key's state; `None` if it is not in the table.
    pub fn fields(&self, key: &CountKey) -> Option<Fields> {
        self.table.fields(self.key(&key.0))
    }

    /// Sets a key's state.
    pub fn set_fields(&self, key: &CountKey, limit: &Limit, fields: Fields) {
        self.table.set_fields(self.key(&key.0), limit, fields, self.clock.ticks());
    }

    /// The current contents.
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
