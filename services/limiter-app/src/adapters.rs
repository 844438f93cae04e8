//! The adapters of the limiter's ports.
//!
//! Siblings have the same members in the same order, so that two stores can be read side by side.

mod counted;
mod followed;
mod held;
mod in_time;
mod redis_counts;
mod sql_policies;
mod synced_counts;

pub(crate) use counted::CountedDecisions;
pub(crate) use followed::follow;
pub(crate) use held::HeldMetrics;
pub use in_time::{InTime, Within};
pub use redis_counts::RedisCounts;
pub use sql_policies::{PostgresPolicyStore, SqlitePolicyStore};
pub use synced_counts::SyncedCounts;
