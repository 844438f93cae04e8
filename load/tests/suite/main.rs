//! The load generator against oracles: arithmetic, and servers with known misdeeds.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has nothing to say")]

mod cart;
mod chain;
mod chat;
mod ending;
mod floor;
mod http;
mod limiter;
mod live;
mod live_arms;
mod record;
mod resend;
mod routes;
mod schedule;
mod sender;
mod shortener;
mod steady;
mod support;
