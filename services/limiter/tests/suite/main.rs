//! The limiter's logic against oracles: second implementations of the definitions, by other means.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has nothing to say")]

mod algorithms;
mod clocks;
mod counts;
mod decisions;
mod flood;
mod governor;
mod long_trace;
mod oracle;
mod policies;
mod rehearsal;
mod support;
mod ticks;
mod trace;
