//! The vocabulary that crosses a process boundary, and nothing else.
//!
//! A component's contract is a plain `#[async_trait]` trait; its errors implement [`RemoteError`],
//! so that they can arrive as the same Rust value whatever lay between caller and callee.
//! Every method can fail with [`Unavailable`], in every placement: a caller never learns to rely on a callee
//! that cannot be away.
//!
//! Not here: how a call travels (`remote`), and any system's own words.
//!
//! Read in this order: `error`, `time`.

mod error;
mod time;

pub use error::{Kind, RemoteError, Unavailable, Why};
pub use time::{Clock, MonotonicTicks, SystemClock, Ticks, Timestamp};
