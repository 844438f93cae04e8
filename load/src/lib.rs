//! An open-loop load generator, its journeys, and the statistics of a comparison.
//!
//! It drives systems by their public HTTP APIs only and knows nothing of how they are built.
//! It is not an asynchronous program: each sender is one thread with its own epoll loop, because a runtime's timer
//! (1 ms granularity in tokio) is coarser than the latencies under study.
//!
//! In reading order:
//!
//! - [`schedule`]: when each operation is due, from a seed, without looking at replies;
//! - [`http`]: HTTP/1.1 requests and replies on bytes;
//! - [`journey`]: what an operation is, and how it can end;
//! - [`sender`]: sends what is due, in open or closed loop, one slice of one arm at a time;
//! - [`record`]: what a slice counted, and its histograms;
//! - [`series`]: what a slice counted over time, to be drawn;
//! - [`journeys`]: the journeys of each system, and the registry of their names;
//! - [`ledger`]: what was acknowledged, and whether the system still holds it;
//! - [`floor`]: what every latency contains of the generator itself;
//! - [`steady`]: one target, some threads, one record;
//! - [`statistics`]: what may be said of a difference between arms.

pub mod floor;
pub mod http;
pub mod journey;
pub mod journeys;
pub mod ledger;
pub mod record;
pub mod schedule;
pub mod sender;
pub mod series;
pub mod statistics;
pub mod steady;

mod clock;
