//! The axes of the platform, so that one word means one thing in every scenario.
//!
//! A system lists those that it takes beside its own, and says who uses what their values need.

use std::{str::FromStr, time::Duration};

crate::axis! {
    /// How does one process call another?
    pub enum Transport = "transport" {
        Http = "http" => "JSON over HTTP/1.1 with keep-alive",
        Grpc = "grpc" => "protobuf over HTTP/2",
    }
}

crate::axis! {
    /// Where is durable state kept?
    pub enum Database = "database" {
        Sqlite = "sqlite" => "a file in WAL mode, embedded in the process; survives a killed process" needs Sqlite,
        Postgres = "postgres" => "a PostgreSQL server; survives a killed machine" needs Postgres,
    }
}

crate::axis! {
    /// Do components share one database?
    pub enum Ownership = "ownership" {
        Shared = "shared" => "one database for all components",
        PerService = "per-service" => "each component has a database of its own",
    }
}

crate::axis! {
    /// What stands between a reader and the store?
    pub enum Cache = "cache" {
        None = "none" => "every read asks the store",
        Local = "local" => "cache-aside in the process, bounded, with a time to live",
        Redis = "redis" => "cache-aside in a Redis server that all processes share, absences too" needs Redis,
        Tiered = "tiered" => "in the process for a second, and in the Redis server behind that" needs Redis,
    }
}

crate::axis! {
    /// What happens when many ask at once for a key that is not cached?
    pub enum Stampede = "stampede" {
        SingleFlight = "single-flight" => "one asks the store, the others wait for its answer",
        Off = "off" => "each asks the store",
    }
}

crate::axis! {
    /// How long does a cache keep a value?
    pub enum TimeToLive = "time-to-live" {
        Minute = "60s" => "a minute, give or take a tenth",
        Second = "1s" => "a second: whatever is asked for often expires under load",
    }
}

impl TimeToLive {
    /// The same as a duration.
    pub const fn duration(self) -> Duration {
        match self {
            Self::Minute => Duration::from_mins(1),
            Self::Second => Duration::from_secs(1),
        }
    }
}

crate::axis! {
    /// How does a fact that follows from a request reach its owner?
    pub enum Events = "events" {
        Inline = "inline" => "the request waits until the owner has stored it",
        Memory = "memory" => "a bounded buffer in the process, delivered in batches"
            but "what is buffered is lost when the process is killed",
        Kafka = "kafka" => "an idempotent producer, a keyed topic, a consumer that is idempotent by event id"
            needs Kafka,
    }
}

crate::axis! {
    /// How does a caller protect itself from a callee?
    pub enum Resilience = "resilience" {
        Timeout = "timeout" => "every attempt has a time limit within the request's deadline",
        None = "none" => "the request's own deadline is the only limit"
            but "a slow callee holds its callers for the whole deadline",
        NaiveRetry = "naive-retry" => "three sends of what is idempotent, at once and without a budget"
            but "retries multiply the load on a callee that fails",
        BudgetedRetry = "budgeted-retry" => "retries with backoff, within a budget and the deadline",
        Breaker = "breaker" => "a circuit breaker: a callee that fails or is slow gets no calls for a while",
        Full = "full" => "budgeted retries, hedged reads, a bulkhead, a breaker, the ejection of replicas",
    }
}

crate::axis! {
    /// Where do the retry and the limit of an attempt stand among the layers?
    pub enum LayerOrder = "layer-order" {
        RetryOutsideBreaker = "retry-outside-breaker" => "retry, breaker, attempt limit: the breaker counts attempts",
        RetryInsideBreaker = "retry-inside-breaker" => "breaker, retry, attempt limit: the breaker counts operations"
            but "a callee that fails gets every attempt of an operation before the breaker counts one failure",
        AttemptLimitOutsideRetry = "attempt-limit-outside-retry"
            => "attempt limit, retry, breaker: one limit for all attempts of an operation together"
            but "the breaker never learns that a callee hangs, because each call to it is given up from outside",
    }
}

crate::axis! {
    /// How long may one attempt at a call take?
    pub enum AttemptLimit = "attempt-limit" {
        Standard = "standard" => "1 s, half of a request's deadline: a second attempt has a chance",
        Short = "short" => "25 ms, less than a callee under load takes"
            but "replies that are on their way are thrown away, and requested again",
        Long = "long" => "as long as the request's deadline"
            but "a callee that hangs holds its caller to the end, and no second attempt has time",
        Adaptive = "adaptive" => "three times what 99 % of the calls of the last 10 s took, between 50 ms and 1 s",
    }
}

crate::axis! {
    /// How many requests does a server take at once?
    pub enum ServerLimit = "server-limit" {
        Fixed = "fixed" => "as many as its process configuration says, 512 if that says nothing",
        Adaptive = "adaptive" => "as many as it answers within 100 ms, and at most the fixed number",
    }
}

crate::axis! {
    /// How many replicas are there of each process that can be replicated?
    pub enum Replicas = "replicas" {
        One = "1" => "one of each",
        Two = "2" => "two of each, one of which can be lost",
        Four = "4" => "four of each",
    }
}

impl Replicas {
    /// The same as a number.
    pub const fn count(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

crate::axis! {
    /// Which of several replicas does a call go to?
    pub enum Balancing = "balancing" {
        RoundRobin = "round-robin" => "each in turn, whatever it has to do",
        TwoChoices = "two-choices" => "of two drawn at random, the one with fewer calls under way",
    }
}

crate::axis! {
    /// Which requests leave a trace?
    pub enum Tracing = "tracing" {
        Asked = "asked" => "those whose caller asks with a sampled `traceparent`",
        Off = "off" => "none",
        All = "all" => "every one",
        .. Share(Share) = "0 to 1" => "that share, such as `0.01`",
    }
}

/// A share of something. Invariant: between 0 and 1, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(f64);

/// Why a text is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share is a number between 0 and 1")]
pub struct ShareError;

impl Share {
    /// The share as a number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let share = text.parse::<f64>().map_err(|_| ShareError)?;
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err(ShareError) }
    }
}

#[cfg(test)]
mod tests;
