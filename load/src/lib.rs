//! An open-loop load generator and its journeys.
//!
//! It drives systems through their public HTTP APIs only, and knows nothing of how they are built.
//! It is not an asynchronous program: each sender is one thread with its own epoll loop, because a runtime's
//! timer (1 ms granularity in tokio) is coarser than the measured latencies.
//!
//! In reading order:
//!
//! - [`schedule`]: the due times of operations, from a seed, independent of replies;
//! - [`http`]: HTTP/1.1 requests and replies on bytes;
//! - [`journey`]: operations and how they end;
//! - [`sender`]: sends due operations, in open or closed loop, one slice of one arm at a time;
//! - [`live`]: connections that are held open and receive unsolicited messages;
//! - [`record`]: the counts and histograms of a slice;
//! - [`episode`]: what happens over the time of a slice, for every system;
//! - [`series`]: what only one system counts over the time of a slice, for drawings;
//! - [`journeys`]: the journeys of each system, and their registry;
//! - [`ledger`]: the acknowledged changes, and whether the system still holds them;
//! - [`history`]: a second opinion on transactions: whether they could have run one after the other;
//! - [`floor`]: the generator's own share of every latency;
//! - [`steady`]: one target, several threads, one record.
//!
//! Not here: the difference between arms, and its uncertainty (`statistics`).

pub mod episode;
pub mod floor;
pub mod history;
pub mod http;
pub mod journey;
pub mod journeys;
pub mod ledger;
pub mod record;
pub mod schedule;
pub mod sender;
pub mod series;
pub mod steady;

mod clock;

pub use self::sender::live;
