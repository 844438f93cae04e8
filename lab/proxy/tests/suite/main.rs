//! The proxy between real sockets: what passes, what each fault does, and that nothing is lost or reordered.
//!
//! Delays are held against lower bounds; an upper bound is tens of seconds, and says that a test hangs.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has nothing to say")]

mod admin;
mod carrying;
mod cut;
mod ended;
mod slow;
mod support;
mod throughput;
mod together;
