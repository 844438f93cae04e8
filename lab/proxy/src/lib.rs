//! The lab's own TCP proxy: stands on the links between processes and backings, and makes them fail on order.
//!
//! One proxy serves many links.
//! A link is a listening address, an upstream address, and the faults that are in force on it.
//! It carries bytes and knows no protocol: what a client sends, the upstream receives in the same order and whole, or
//! the connection breaks.
//! A fault takes effect on existing connections at once.
//! Each has a lease and ends by itself, so that a lab that is killed leaves nothing broken.
//!
//! # What it does to a connection without a fault
//!
//! As little as possible, because every arm of a comparison pays for it:
//! `TCP_NODELAY` on both sides; a FIN is passed on in its direction alone (half-close), a reset as a reset; a sender is
//! slowed down by a receiver that does not read (backpressure), because every buffer is bounded.
//! A link whose upstream refuses connections refuses them as well, so that a caller of a dead process sees
//! `ECONNREFUSED` as it would without the proxy; one connection that was accepted before this is known is reset.
//!
//! # Faults
//!
//! | fault | existing connections | new connections | when it ends |
//! |---|---|---|---|
//! | [`Latency`](FaultKind::Latency) | each piece arrives later, in order | the handshake takes a round trip more | what is held goes on at once |
//! | [`Throttle`](FaultKind::Throttle) | all connections of a link share so many bytes a second | the same | full speed |
//! | [`Blackhole`](FaultKind::Blackhole) | bytes are read and lost, or not read | accepted, and the same | reset if bytes were lost, else they go on |
//! | [`Partition`](FaultKind::Partition) | nothing passes; what is sent is held, as TCP does | accepted by the kernel, and held | all goes on |
//! | [`Reset`](FaultKind::Reset) | reset | accepted and reset | new ones are served |
//! | [`Refuse`](FaultKind::Refuse) | go on | refused | new ones are served |
//! | [`Flap`](FaultKind::Flap) | a partition that comes and goes by a period | the same | all goes on |
//!
//! Latency, throttle, blackhole, partition and flap apply to both [directions](Directions), or to one: `to` the
//! upstream, or `from` it.
//! Several faults may be in force together, each kind once a direction.
//!
//! # Next to Shopify's toxiproxy
//!
//! [Toxiproxy](https://github.com/Shopify/toxiproxy) is the proxy that most people know; it calls a fault a toxic.
//!
//! | here | toxiproxy | difference |
//! |---|---|---|
//! | `latency` | `latency` | four distributions instead of uniform jitter, seeded; a handshake is delayed as well |
//! | `throttle` | `bandwidth` | a token bucket of the link; theirs is of each connection |
//! | `blackhole` | `timeout` | bytes are lost, as theirs are, or stay unread; theirs closes every connection when it is removed |
//! | `reset` | `reset_peer` | at once; theirs resets a connection when bytes pass, or some time later |
//! | `refuse` | a disabled proxy | existing connections go on; theirs are closed |
//! | `partition`, `flap` | none | bytes are held and go on |
//! | none | `slow_close`, `slicer`, `limit_data` | no scenario asks for them |
//! | `from`, `to` | `downstream`, `upstream` | |
//! | a lease, always | none | a toxic stays until somebody removes it |
//! | no share | `toxicity` | a fault here is in force on every connection; a share of calls that fail is an error of the process, not of a link |
//!
//! # What it does not do
//!
//! The kernel answers a client's handshake, so a connection to a link that is partitioned is established and then
//! hears nothing; without the proxy it would not be established.
//! The kernel's own socket buffers hold some megabytes of a direction, before and after the proxy's.
//!
//! Read in this order: `fault` (what can be done to a link), `fault_set` (what is in force at a moment), `token_bucket`
//! and `delay_line` (pure), `link` and `links` (state), `pump` (one direction of a connection), `connection` (both),
//! `listening` (new connections), `config`, `proxy` (all of it), `admin` (the HTTP API).

mod admin;
mod config;
mod connection;
mod counters;
mod delay_line;
mod fault;
mod fault_set;
mod link;
mod links;
mod listening;
mod proxy;
mod pump;
mod token_bucket;

pub use config::{Config, ConfigError, Limits, LinkConfig};
pub use counters::Counts;
pub use fault::{
    Direction, Directions, Distribution, Fault, FaultKind, InvalidFault, LONGEST_DELAY, LONGEST_LEASE,
    Latency,
};
pub use link::{FaultState, LinkState};
pub use links::SetFaultsError;
pub use proxy::{Proxy, StartError, serve};
