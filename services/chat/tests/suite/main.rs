//! The chat's logic over stores in memory, and its feed behind a transport that loses, repeats and reorders.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has nothing to say")]

mod faults;
mod feed;
mod ground;
mod memory;
mod messages;
mod presence;
mod rooms;
mod scene;
mod stores;
mod support;
mod transport;
