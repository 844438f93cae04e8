//! The vocabulary that crosses a process boundary, and nothing else.
//!
//! A component's contract is a plain `#[async_trait]` trait. Its errors implement [`RemoteError`], so that
//! they arrive as the same Rust value over every transport.
//! Every method can fail with [`Unavailable`] in every placement, so that no caller relies on a callee that
//! is always available.
//!
//! Not here: how a call travels (`remote`), and the vocabulary of a single system.
//!
//! Read in this order: `error`, `id`, `text`, `uuid`, `time`.

mod error;
mod id;
mod text;
mod time;
pub mod uuid;

pub use error::{Kind, RemoteError, Unavailable, Why};
pub use text::is_visible;
pub use time::{Clock, MonotonicTicks, SystemClock, Ticks, Timestamp};
