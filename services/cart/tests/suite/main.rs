//! The cart's logic over stores in memory, and its saga over a network that loses, repeats and delays.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has nothing to say")]

mod network;
mod saga;
mod support;
