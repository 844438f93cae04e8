//! The axes that every system has, so that one word means one thing in every scenario.
//!
//! A system lists those that it supports beside its own.

crate::axes! {
    /// How does one process call another?
    pub TRANSPORT = "transport" {
        "http" => "JSON over HTTP/1.1 with keep-alive",
        "grpc" => "protobuf over HTTP/2",
    }

    /// Where is durable state kept?
    pub DATABASE = "database" {
        "sqlite" => "a file in WAL mode, embedded in the process; survives a killed process",
        "postgres" => "a PostgreSQL server; survives a killed machine",
    }

    /// Do components share one database?
    pub OWNERSHIP = "ownership" {
        "shared" => "one database for all components",
        "per-service" => "each component has a database of its own",
    }

    /// What stands between a reader and the store?
    pub CACHE = "cache" {
        "none" => "every read asks the store",
        "local" => "cache-aside in the process, bounded, with a time to live",
        "redis" => "cache-aside in a Redis server that all processes share, absences too",
        "tiered" => "in the process for a second, and in the Redis server behind that",
    }

    /// What happens when many ask at once for a key that is not cached?
    pub STAMPEDE = "stampede" {
        "single-flight" => "one asks the store, the others wait for its answer",
        "off" => "each asks the store",
    }

    /// How long does a cache keep a value?
    pub TIME_TO_LIVE = "time-to-live" {
        "60s" => "a minute, give or take a tenth",
        "1s" => "a second: whatever is asked for often expires under load",
    }

    /// How does a fact that follows from a request reach its owner?
    pub EVENTS = "events" {
        "inline" => "the request waits until the owner has stored it",
        "memory" => "a bounded buffer in the process, delivered in batches"
            but "what is buffered is lost when the process is killed",
        "kafka" => "an idempotent producer, a keyed topic, a consumer that is idempotent by event id",
    }

    /// How does a caller protect itself from a callee?
    pub RESILIENCE = "resilience" {
        "timeout" => "every attempt has a time limit within the request's deadline",
        "none" => "the request's own deadline is the only limit"
            but "a slow callee holds its callers for the whole deadline",
    }

    /// How many copies are there of each process that can be copied?
    pub REPLICAS = "replicas" {
        "1" => "one of each",
        "2" => "two of each, one of which can be lost",
        "4" => "four of each",
    }

    /// Which of several copies does a call go to?
    pub BALANCING = "balancing" {
        "round-robin" => "each in turn, whatever it has to do",
        "two-choices" => "of two drawn at random, the one with fewer calls under way",
    }

    /// Which requests leave a trace?
    pub TRACING = "tracing" accepts Share {
        "asked" => "those whose caller asks with a sampled `traceparent`",
        "off" => "none",
        "all" => "every one",
    }
}
