//! What the tests of whole systems share: one vocabulary for placing a component, for asking an edge, and for using
//! the lab's command.
//!
//! The suites are in `tests/`:
//! `links_contract` and `clicks_contract` (one behaviour over every transport and store),
//! `redis_cache` (a cache in a Redis server that is gone or frozen),
//! `links_behind_redis` (links behind that cache, while the server is flushed, frozen, killed and restarted),
//! `kafka_events` (dead letters, lag, a broker that is late), `dead_letters` (of a wiring that is up: listed and replayed),
//! `outbox` (events of a component's own transactions), `broadcast` (events to every process that listens),
//! `kafka_group` (a member of a consumer group that is killed),
//! `postgres_away` (a server that is late, restarts, or refuses),
//! `starting` and `stopping` (what a process says of itself and serves, while its PostgreSQL is late or away, and while
//! it stops), `killed` (what a process that is killed leaves), `resilience` (what a process says of its callees),
//! `cart_stores` (the cart's behaviours over every store, and what calls at the same time do to each other),
//! `cart_provider` (its client of the payment provider), `cart_crash` (its processes, killed at any point and at random),
//! `containers` (the adapters against real servers that are restarted),
//! `dockerfile` (the image of the service processes),
//! `hops` (what crosses between processes, and what happens when things go wrong), `bad_calls` (components at the hands of
//! callers that get it wrong), `grpc_services` (what `buf` and `grpcurl` make of them),
//! `edge` and `limiter_edge` (one behaviour over every wiring that a scenario uses),
//! `chain_edge` and `parts_contract` (the same of the chain), `cart_edge` (of the cart), `cart_contracts` (what the cart's components say to each other), `chat_edge` (of the chat), `chat_crash` (its processes, killed between two effects and at random), `chat_page` (its page, in two windows of a browser),
//! `chat_stores` (the chat's behaviours over every store, and what calls at the same time do to each other),
//! `shedding` (which requests a full server refuses first),
//! `wire` (every edge at the hands of clients that misbehave), `websocket` (the cases of a WebSocket conformance suite),
//! `counts_contract`, `decisions_contract`, `policies_contract` (the limiter's components), `limiter_counts` (its counts
//! under threads), `redis_scripts` and `redis_cluster` (its counts in Redis), `envoy` and `envoy_messages` (a proxy that
//! asks it), `envoy_outliers` (its outlier detection and retry budget next to our layers),
//! `end_to_end`, `up`, `busy` (runs on a busy machine), `compare` and `traces` (the lab's commands), `compose` (its
//! runtime in containers), `compose_balancer` (a proxy before two gateways, as it is exported), `kubernetes` (its export),
//! `axes` (what each system can be built from), `bad_input` (what it refuses), `load` (its generator against servers whose
//! misdeeds are known), `k6` (its generator next to another), `faults` and `faults_in_containers` (what goes wrong on
//! purpose), `drill` (a matrix of it),
//! `over_time` (what a report has of it), `promises` (what the
//! documents promise), `observability` (what watches the systems), `conformance` (what `h2spec` and Schemathesis find:
//! nothing), `reports` (what recorded runs say and draw), `accessibility` (what axe-core finds in their pages: nothing),
//! `provider` (the stand-in for a payment provider as a backing), `third` (what a new system costs: the echo in `third/`), `tidy` (the tree's invariants), `style` (one style in one tree).

pub mod cart_suite;
pub mod chain_suite;
pub mod chat_suite;
pub mod clock;
pub mod command;
pub mod crashes;
pub mod dashboards;
pub mod described;
pub mod edge_client;
pub mod edge_suite;
pub mod engine;
pub mod envoy;
pub mod fault_scenarios;
pub mod limiter_suite;
pub mod modules;
pub mod placed;
pub mod real_servers;
pub mod redis_server;
pub mod relay;
pub mod reports;
pub mod skip;
pub mod stores;
pub mod style;
pub mod tree;
pub mod wire;
pub mod wirings;
