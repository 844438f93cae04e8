//! The axes that every system has, so that one word means one thing in every scenario.
//!
//! A system lists those that it supports beside its own.

use crate::{Accepts, Axis, Value};

/// How one process calls another.
pub const TRANSPORT: Axis = Axis {
    name: "transport",
    summary: "How does one process call another?",
    values: &[
        Value::new("http", "JSON over HTTP/1.1 with keep-alive"),
        Value::new("grpc", "protobuf over HTTP/2"),
    ],
    accepts: Accepts::Listed,
};

/// Where durable state is kept.
pub const DATABASE: Axis = Axis {
    name: "database",
    summary: "Where is durable state kept?",
    values: &[
        Value::new("sqlite", "a file in WAL mode, embedded in the process; survives a killed process"),
        Value::new("postgres", "a PostgreSQL server; survives a killed machine"),
    ],
    accepts: Accepts::Listed,
};

/// Who may touch whose tables.
pub const OWNERSHIP: Axis = Axis {
    name: "ownership",
    summary: "Do components share one database?",
    values: &[
        Value::new("shared", "one database for all components"),
        Value::new("per-service", "each component has a database of its own"),
    ],
    accepts: Accepts::Listed,
};

/// What stands between a reader and the store.
pub const CACHE: Axis = Axis {
    name: "cache",
    summary: "What stands between a reader and the store?",
    values: &[
        Value::new("none", "every read asks the store"),
        Value::new("local", "cache-aside in the process, bounded, with a time to live"),
        Value::new("redis", "cache-aside in a Redis server that all processes share, absences too"),
        Value::new("tiered", "in the process for a second, and in the Redis server behind that"),
    ],
    accepts: Accepts::Listed,
};

/// What happens when many ask for a key that is not cached.
pub const STAMPEDE: Axis = Axis {
    name: "stampede",
    summary: "What happens when many ask at once for a key that is not cached?",
    values: &[
        Value::new("single-flight", "one asks the store, the others wait for its answer"),
        Value::new("off", "each asks the store"),
    ],
    accepts: Accepts::Listed,
};

/// How long a cache keeps a value.
pub const TIME_TO_LIVE: Axis = Axis {
    name: "time-to-live",
    summary: "How long does a cache keep a value?",
    values: &[
        Value::new("60s", "a minute, give or take a tenth"),
        Value::new("1s", "a second: whatever is asked for often expires under load"),
    ],
    accepts: Accepts::Listed,
};

/// How a fact that follows from a request reaches its owner.
pub const EVENTS: Axis = Axis {
    name: "events",
    summary: "How does a fact that follows from a request reach its owner?",
    values: &[
        Value::new("inline", "the request waits until the owner has stored it"),
        Value::control(
            "memory",
            "a bounded buffer in the process, delivered in batches",
            "what is buffered is lost when the process is killed",
        ),
        Value::new(
            "kafka",
            "an idempotent producer, a keyed topic, a consumer that is idempotent by event id",
        ),
    ],
    accepts: Accepts::Listed,
};

/// How a caller protects itself from a callee.
pub const RESILIENCE: Axis = Axis {
    name: "resilience",
    summary: "How does a caller protect itself from a callee?",
    values: &[
        Value::new("timeout", "every attempt has a time limit within the request's deadline"),
        Value::control(
            "none",
            "the request's own deadline is the only limit",
            "a slow callee holds its callers for the whole deadline",
        ),
    ],
    accepts: Accepts::Listed,
};

/// How many copies there are of each process that can be copied; the one with the edge cannot be here.
pub const REPLICAS: Axis = Axis {
    name: "replicas",
    summary: "How many copies are there of each process that can be copied?",
    values: &[
        Value::new("1", "one of each"),
        Value::new("2", "two of each, one of which can be lost"),
        Value::new("4", "four of each"),
    ],
    accepts: Accepts::Listed,
};

/// Which of several copies a call goes to.
pub const BALANCING: Axis = Axis {
    name: "balancing",
    summary: "Which of several copies does a call go to?",
    values: &[
        Value::new("round-robin", "each in turn, whatever it has to do"),
        Value::new("two-choices", "of two drawn at random, the one with fewer calls under way"),
    ],
    accepts: Accepts::Listed,
};

/// Which requests leave a trace.
pub const TRACING: Axis = Axis {
    name: "tracing",
    summary: "Which requests leave a trace?",
    values: &[
        Value::new("asked", "those whose caller asks with a sampled `traceparent`"),
        Value::new("off", "none"),
        Value::new("all", "every one"),
    ],
    accepts: Accepts::Share,
};
