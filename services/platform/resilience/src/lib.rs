//! The tower layers between a caller and the transport, one before a server, and a breaker before a store.
//!
//! A wiring names a [`Preset`]; [`stack`] puts its layers around a transport, each with the reason for its
//! place. A [`Callee`] holds what all calls of a process to one callee share: budget, breaker, permits.
//! A layer reads a call through [`CallFacts`]: its deadline, and whether it is idempotent.
//! Every setting is a constant with its source in [`settings`].
//!
//! No layer spawns a task, and each takes at most one short lock before a call and one after it. Time comes from
//! tokio's clock, and jitter from a seed.
//!
//! Not here: what a call is, or how it travels (`remote`).
//!
//! Read in this order: `settings`, `preset`, `stack`, `callee`, `failure`, `time_limit`, `retry`, `breaker`, `limit`, `permitted` (what both make of a call), `hedge`, `ejection`, `store`, `shed`, `metrics`, `random`.

pub mod breaker;
mod callee;
mod ejection;
mod failure;
pub mod hedge;
pub mod limit;
mod metrics;
mod permitted;
mod preset;
mod random;
mod retry;
pub mod settings;
mod shed;
mod stack;
mod store;
mod time_limit;

pub use callee::{Callee, CalleeSnapshot, Callees, RetrySnapshot};
pub use ejection::{Pool, Record};
pub use failure::Failure;
pub use metrics::{BreakerMetrics, HedgeMetrics, LimitMetrics};
pub use permitted::{Permitted, Settle};
pub use preset::Preset;
pub use random::Random;
pub use retry::{Pause, RetryCounters, RetryPolicy, Rule};
pub use settings::{Order, Settings};
pub use shed::{Priority, Shed, ShedLayer, Shedding};
pub use stack::{Stack, stack};
pub use store::{StoreCall, StoreGuard};
pub use time_limit::{
    AdaptiveTimeLimit, AdaptivelyLimited, AttemptTimes, InTime, TimeLimit, TimeLimited, Timed,
};
use tokio::time::Instant;

/// The facts about a call that a layer may use.
pub trait CallFacts {
    /// The time at which the caller stops waiting.
    fn deadline(&self) -> Instant;
    /// Whether sending the call twice has the effect of sending it once.
    fn idempotent(&self) -> bool;
    /// The callee's name, for the error message.
    fn service(&self) -> &'static str;
    /// Notes that the call is sent again, after so many earlier sends, for a server that sheds retries first.
    fn sent_again(&mut self, _earlier: u32) {}
}

/// A call that can tell what its reply says about the callee.
pub trait Judged<R>: CallFacts {
    /// Whether the reply says that something below the callee is unavailable.
    fn is_unavailable(&self, _reply: &R) -> bool {
        false
    }
}
