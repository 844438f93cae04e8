//! The rate-limiting algorithms: the values of the axis `algorithm`.
//!
//! | file | rule |
//! |---|---|
//! | `fixed_window` | a count in each calendar window |
//! | `sliding_log` | a log of the admissions in the last window |
//! | `sliding_counter` | an estimate of the sliding window from the counts of two calendar windows |
//! | `token_bucket` | tokens arrive at a steady rate, up to a burst; each request takes one |
//! | `leaky_bucket` | a queue that releases requests at a steady rate |
//! | `gcra` | the theoretical arrival time of the next request, and how early it may come |
//!
//! Each file has the same members in the same order: the state of one key, [`State::judge`],
//! [`State::charge`], [`State::capacity`], [`State::fields`], [`State::from_fields`], [`State::bytes`].
//! "Bytes of information" in their comments is the size of a state's numbers; alignment, the key's hash and the table
//! around it come on top ([`Capacity`](crate::Capacity) has the memory of a key).
//! All compute in integers, so that another implementation (the scripts in Redis) can reproduce them exactly.
//!
//! A cost of k counts as k requests of cost 1. A cost of 0 is judged as 1 and never charged.
//!
//! **When the clock goes back.**
//! A state may lie ahead of the clock within what a correct clock can produce.
//! A state further ahead counts as used up from now on: a clock that went back admits nothing extra, and the
//! key recovers in the time that a used-up key takes.
//! A clock that went forward admits at most what a new key would.

mod fixed_window;
mod gcra;
mod leaky_bucket;
mod sliding_counter;
mod sliding_log;
mod spacing;
mod token_bucket;

use std::time::Duration;

pub use fixed_window::FixedWindow;
pub use gcra::Gcra;
pub use leaky_bucket::{LeakyBucket, MAX_WAIT};
pub use sliding_counter::SlidingCounter;
pub use sliding_log::SlidingLog;
pub use token_bucket::TokenBucket;

use crate::{Limit, Standing};

/// The state of one key under one limit. The default state has used nothing.
///
/// `now` is in nanoseconds since 1970-01-01 00:00 UTC. A state belongs to one limit: a changed limit starts
/// with a new state.
pub trait State: Clone + Default + Send + 'static {
    /// Judges a request of this cost without charging it; `remaining` is what is left before the request.
    ///
    /// First it advances the state to `now`: windows that are over are dropped, tokens that came are added. This is why it
    /// needs `&mut self`.
    /// A cost above the capacity is refused without a `retry_after`.
    /// [`take`](Self::take) fills in [`Standing::more_after`].
    fn judge(&mut self, limit: &Limit, cost: u32, now: u64) -> Standing;

    /// Charges a request that [`judge`](Self::judge) has just admitted; returns the time until the limit is
    /// fully restored.
    fn charge(&mut self, limit: &Limit, cost: u32, now: u64) -> Duration;

    /// The number of requests of cost 1 that a new key admits at once.
    fn capacity(limit: &Limit) -> u32;

    /// The state as integers.
    fn fields(&self) -> Fields;

    /// The state from its integers.
    fn from_fields(fields: Fields) -> Self;

    /// The heap memory of the state, in bytes.
    fn bytes(&self) -> usize;

    /// Charges a request if it fits; returns the standing after it.
    fn take(&mut self, limit: &Limit, cost: u32, now: u64) -> Standing {
        let mut standing = self.judge(limit, cost, now);
        if standing.admits && cost > 0 {
            standing.reset_after = self.charge(limit, cost, now);
            standing.remaining = standing.remaining.saturating_sub(cost);
        }
        self.with_more(standing, limit, now)
    }

    /// Adds the time until one more request fits than now.
    fn with_more(&mut self, standing: Standing, limit: &Limit, now: u64) -> Standing {
        // A key with its full capacity never has room for more.
        let more = self.judge(limit, standing.remaining + 1, now).retry_after;
        Standing { more_after: more.unwrap_or_default(), ..standing }
    }
}

/// A state as integers, in the meaning of its algorithm; all zero is a new key's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub [u64; 3]);

/// The name of an algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// [`FixedWindow`].
    FixedWindow,
    /// [`SlidingLog`].
    SlidingLog,
    /// [`SlidingCounter`].
    SlidingCounter,
    /// [`TokenBucket`].
    TokenBucket,
    /// [`LeakyBucket`].
    LeakyBucket,
    /// [`Gcra`].
    #[default]
    Gcra,
}

/// Evaluates an expression in which a type name stands for the state of that algorithm.
macro_rules! with_state {
    ($algorithm:expr, $State:ident => $body:expr) => {
        match $algorithm {
            $crate::Algorithm::FixedWindow => with_state!(@ FixedWindow, $State, $body),
            $crate::Algorithm::SlidingLog => with_state!(@ SlidingLog, $State, $body),
            $crate::Algorithm::SlidingCounter => with_state!(@ SlidingCounter, $State, $body),
            $crate::Algorithm::TokenBucket => with_state!(@ TokenBucket, $State, $body),
            $crate::Algorithm::LeakyBucket => with_state!(@ LeakyBucket, $State, $body),
            $crate::Algorithm::Gcra => with_state!(@ Gcra, $State, $body),
        }
    };
    (@ $Chosen:ident, $State:ident, $body:expr) => {{
        type $State = $crate::algorithm::$Chosen;
        $body
    }};
}
pub(crate) use spacing::window_nanos;
pub(crate) use with_state;

impl Algorithm {
    /// All algorithms, the simplest first.
    pub const ALL: [Self; 6] = [
        Self::FixedWindow,
        Self::SlidingLog,
        Self::SlidingCounter,
        Self::TokenBucket,
        Self::LeakyBucket,
        Self::Gcra,
    ];

    /// The algorithm of this name; `None` if the name is unknown.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Judges a request of this cost for a key in this state, without charging it.
    pub fn judge(self, fields: Fields, limit: &Limit, cost: u32, now: u64) -> Standing {
        with_state!(self, S => {
            let mut state = S::from_fields(fields);
            let standing = state.judge(limit, cost, now);
            state.with_more(standing, limit, now)
        })
    }

    /// The name: the value of the axis.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FixedWindow => "fixed-window",
            Self::SlidingLog => "sliding-log",
            Self::SlidingCounter => "sliding-counter",
            Self::TokenBucket => "token-bucket",
            Self::LeakyBucket => "leaky-bucket",
            Self::Gcra => "gcra",
        }
    }

    /// The upper bound on the requests of cost 1 that one key has admitted in *any* window of the limit's
    /// length, its end excluded; some arrivals reach it.
    ///
    /// For [`Algorithm::LeakyBucket`] it bounds the requests that leave the queue.
    pub fn bound(self, limit: &Limit) -> u64 {
        let (requests, burst) = (u64::from(limit.requests()), u64::from(limit.burst()));
        match self {
            Self::FixedWindow => 2 * requests,
            Self::SlidingLog | Self::LeakyBucket => requests,
            Self::SlidingCounter => 2 * requests - 1,
            Self::TokenBucket | Self::Gcra => burst + requests - 1,
        }
    }

    /// The least that a key has been admitted when one of its requests of cost 1 is refused.
    ///
    /// Some arrivals reach it. It holds for keys that send requests of cost 1 only.
    pub fn floor(self, limit: &Limit) -> Floor {
        let (requests, window) = (u64::from(limit.requests()), limit.window());
        match self {
            Self::FixedWindow | Self::SlidingLog => Floor { admitted: requests, within: window },
            // All of the last window's count may have come at its beginning.
            Self::SlidingCounter => Floor { admitted: requests, within: 2 * window },
            // Whatever was admitted earlier has drained by now.
            Self::TokenBucket | Self::Gcra | Self::LeakyBucket => {
                let capacity = with_state!(self, S => S::capacity(limit));
                let emptied = window * (capacity + 1) / limit.requests();
                Floor { admitted: capacity.into(), within: emptied.max(Duration::from_millis(1)) }
            }
        }
    }
}

/// One key had at least `admitted` requests of cost 1 admitted in the time `within`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// The number of requests.
    pub admitted: u64,
    /// The period, ending at the refusal.
    pub within: Duration,
}
