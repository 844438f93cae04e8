//! What the tests of whole systems share: one vocabulary for placing a component, for asking an edge, and for using
//! the lab's command.
//!
//! The suites are in `tests/`:
//! `links_contract` and `clicks_contract` (one behaviour over every transport and store),
//! `redis_cache` (a cache in a Redis server that is gone, frozen, flushed or restarted),
//! `kafka_events` (dead letters, lag, a broker that is late),
//! `postgres_away` (a server that is late, restarts, or refuses),
//! `starting` (what a process says of itself while its stores are late or away),
//! `containers` (the adapters against real servers that are restarted),
//! `hops` (what crosses between processes, and what happens when things go wrong),
//! `edge` and `limiter_edge` (one behaviour over every wiring that a scenario uses),
//! `wire` (both edges at the hands of clients that misbehave),
//! `counts_contract`, `decisions_contract`, `policies_contract`, `redis_scripts`, `envoy` (the limiter),
//! `end_to_end` and `up` (the lab's commands), `compose` (its runtime in containers), `bad_input` (what it refuses),
//! `faults` (what goes wrong on purpose), `conformance` (what `h2spec` and Schemathesis find: nothing),
//! `tidy` (the tree's invariants).

pub mod clock;
pub mod command;
pub mod dashboards;
pub mod described;
pub mod edge_client;
pub mod edge_suite;
pub mod engine;
pub mod limiter_suite;
pub mod placed;
pub mod real_servers;
pub mod redis_server;
pub mod relay;
pub mod stores;
pub mod tree;
pub mod wire;
pub mod wirings;
