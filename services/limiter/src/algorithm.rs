//! The algorithms: the values of the axis `algorithm`.
//!
//! | file | rule |
//! |---|---|
//! | `fixed_window` | so many in each window of the calendar |
//! | `sliding_log` | so many since that long ago, from a log of when |
//! | `sliding_counter` | the same, guessed from the counts of two windows |
//! | `token_bucket` | tokens come evenly, up to a bucketful; each request takes one |
//! | `leaky_bucket` | a queue that lets requests out evenly |
//! | `gcra` | the moment at which the next request is due evenly, and how early one may come |
//!
//! Each file has the same members in the same order: the state of one key, [`State::look`], [`State::charge`],
//! [`State::capacity`], [`State::fields`], [`State::from_fields`], [`State::bytes`].
//! All of them compute with whole numbers, so that each can be repeated exactly elsewhere.
//!
//! A cost of k counts as k ordinary requests; a cost of 0 is judged as 1, and is never charged.
//!
//! **When the clock goes back.**
//! A state may lie ahead of the clock, by as much as it can while the clock is right.
//! One that lies further ahead counts as used up from now on, so that a clock that went back admits nothing more,
//! and the key is good again after the time that a used-up key takes.
//! A clock that went forward admits at most what a new key would.

mod fixed_window;
mod gcra;
mod leaky_bucket;
mod pace;
mod sliding_counter;
mod sliding_log;
mod token_bucket;

use std::time::Duration;

pub use fixed_window::FixedWindow;
pub use gcra::Gcra;
pub use leaky_bucket::{LeakyBucket, MAX_WAIT};
pub use sliding_counter::SlidingCounter;
pub use sliding_log::SlidingLog;
pub use token_bucket::TokenBucket;

use crate::{Limit, Standing};

/// What one key has used under one limit. A fresh one has used nothing.
///
/// `now` is in nanoseconds since 1970-01-01 00:00 UTC. A state belongs to one limit: another limit begins a new one.
pub trait State: Clone + Default + Send + 'static {
    /// Where a request of this cost would stand, with what remains if it is *not* charged.
    ///
    /// A cost that no used-up key could ever make room for is refused without a time to come back at.
    /// [`Standing::more_after`] is left to [`take`](Self::take).
    fn look(&mut self, limit: &Limit, cost: u32, now: u64) -> Standing;

    /// Charges a request that [`look`](Self::look) has just admitted; after how long everything is there again.
    fn charge(&mut self, limit: &Limit, cost: u32, now: u64) -> Duration;

    /// How many ordinary requests a fresh key admits at once.
    fn capacity(limit: &Limit) -> u32;

    /// The state as a few whole numbers.
    fn fields(&self) -> Fields;

    /// The state of these numbers.
    fn from_fields(fields: Fields) -> Self;

    /// The memory that it holds beyond its own size.
    fn bytes(&self) -> usize;

    /// Charges a request if there is room for it; what remains afterwards.
    fn take(&mut self, limit: &Limit, cost: u32, now: u64) -> Standing {
        let mut standing = self.look(limit, cost, now);
        if standing.admits && cost > 0 {
            standing.reset_after = self.charge(limit, cost, now);
            standing.remaining = standing.remaining.saturating_sub(cost);
        }
        self.with_more(standing, limit, now)
    }

    /// A standing, with when one more request finds room than now.
    fn with_more(&mut self, standing: Standing, limit: &Limit, now: u64) -> Standing {
        // What a fresh key has is all that ever fits, so that one more never does.
        let more = self.look(limit, standing.remaining + 1, now).retry_after;
        Standing { more_after: more.unwrap_or_default(), ..standing }
    }
}

/// A state as whole numbers, whose meaning is its algorithm's; all zero is a fresh one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub [u64; 3]);

/// An algorithm.
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

/// Evaluates an expression with a type name standing for the state of that algorithm.
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
pub(crate) use pace::window_nanos;
pub(crate) use with_state;

impl Algorithm {
    /// All of them, from the simplest on.
    pub const ALL: [Self; 6] = [
        Self::FixedWindow,
        Self::SlidingLog,
        Self::SlidingCounter,
        Self::TokenBucket,
        Self::LeakyBucket,
        Self::Gcra,
    ];

    /// The algorithm of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Its name: the value of the axis.
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

    /// Its rule, in one sentence.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::FixedWindow => "counts in windows of the calendar; up to twice the limit around a boundary",
            Self::SlidingLog => "remembers when each request was admitted; exact, and the dearest in memory",
            Self::SlidingCounter => "weighs the last window's count by what of it is still in sight",
            Self::TokenBucket => "tokens come evenly up to a burst; each request takes one",
            Self::LeakyBucket => "a queue that lets requests out evenly; some wait instead of being refused",
            Self::Gcra => "one moment a key says when the next request is due; a token bucket in 12 bytes",
        }
    }

    /// The most ordinary requests of one key that are admitted in *any* window of the limit's length, its end excluded.
    ///
    /// For [`Algorithm::LeakyBucket`]: that leave the queue. Each is reached by some arrivals.
    pub fn bound(self, limit: &Limit) -> u64 {
        let (requests, burst) = (u64::from(limit.requests()), u64::from(limit.burst()));
        match self {
            Self::FixedWindow => 2 * requests,
            Self::SlidingLog | Self::LeakyBucket => requests,
            Self::SlidingCounter => 2 * requests - 1,
            Self::TokenBucket | Self::Gcra => burst + requests - 1,
        }
    }

    /// What a key has at least had of a limit when an ordinary request of it is refused.
    ///
    /// Each is reached by some arrivals; where only ordinary requests come, nothing is refused that had less.
    pub fn floor(self, limit: &Limit) -> Floor {
        let (requests, window) = (u64::from(limit.requests()), limit.window());
        match self {
            Self::FixedWindow | Self::SlidingLog => Floor { admitted: requests, within: window },
            // The last window's count may have come at its beginning.
            Self::SlidingCounter => Floor { admitted: requests, within: 2 * window },
            // What was admitted earlier has flowed out by now.
            Self::TokenBucket | Self::Gcra | Self::LeakyBucket => {
                let capacity = with_state!(self, S => S::capacity(limit));
                let emptied = window * (capacity + 1) / limit.requests();
                Floor { admitted: capacity.into(), within: emptied.max(Duration::from_millis(1)) }
            }
        }
    }
}

/// At least so many ordinary requests of one key were admitted within so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// The ordinary requests.
    pub admitted: u64,
    /// The period, ending at the refusal.
    pub within: Duration,
}
