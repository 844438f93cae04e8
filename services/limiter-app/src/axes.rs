//! The axes of the limiter's own, and what of its logic their values choose.

design::axis! {
    /// How are requests counted against a limit?
    pub enum Algorithm = "algorithm" {
        Gcra = "gcra" => "one moment a key says when the next request is due; a token bucket in 12 bytes",
        TokenBucket = "token-bucket" => "tokens come evenly up to a burst; each request takes one",
        LeakyBucket = "leaky-bucket" => "a queue that lets requests out evenly; some wait instead of being refused",
        FixedWindow = "fixed-window"
            => "counts in windows of the calendar; up to twice the limit around a boundary",
        SlidingLog = "sliding-log" => "remembers when each request was admitted; exact, and the dearest in memory",
        SlidingCounter = "sliding-counter" => "weighs the last window's count by what of it is still in sight",
    }
}

design::axis! {
    /// Where are the counts kept?
    pub enum State = "state" {
        Local = "local" => "in each process that decides: several replicas admit several times the limit",
        Service = "service" => "in one process that counts for all, a hop away",
        Redis = "redis" => "in a Redis server that all share: one script, one round trip" needs Redis,
        Synced = "synced" => "in each process, brought together through Redis every 100 ms" needs Redis,
    }
}

design::axis! {
    /// What becomes of a request that nobody can count?
    pub enum OnFailure = "on-failure" {
        Open = "open" => "it passes: the limiter is no reason for an outage",
        Closed = "closed" => "it is refused: what stands behind is never left without a limit",
    }
}

design::axis! {
    /// Who shares a count?
    pub enum Keying = "keying" {
        PerClient = "per-client" => "each client has its own, by the policy's key",
        Shared = "shared" => "all clients share one"
            but "one client that asks too often uses up what all have",
    }
}

impl From<Algorithm> for limiter::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Gcra => Self::Gcra,
            Algorithm::TokenBucket => Self::TokenBucket,
            Algorithm::LeakyBucket => Self::LeakyBucket,
            Algorithm::FixedWindow => Self::FixedWindow,
            Algorithm::SlidingLog => Self::SlidingLog,
            Algorithm::SlidingCounter => Self::SlidingCounter,
        }
    }
}

impl From<OnFailure> for limiter::OnFailure {
    fn from(on_failure: OnFailure) -> Self {
        match on_failure {
            OnFailure::Open => Self::Open,
            OnFailure::Closed => Self::Closed,
        }
    }
}

impl From<Keying> for limiter::Keying {
    fn from(keying: Keying) -> Self {
        match keying {
            Keying::PerClient => Self::PerClient,
            Keying::Shared => Self::Shared,
        }
    }
}

#[cfg(test)]
mod tests {
    use design::Choice as _;

    use super::*;

    #[test]
    fn each_algorithm_of_the_logic_is_a_value_of_the_same_name() {
        let rows = Algorithm::AXIS.values;
        for row in rows {
            let algorithm: limiter::Algorithm = Algorithm::parse(row.name).expect("it is listed").into();
            assert_eq!(algorithm.name(), row.name);
        }
        assert_eq!(rows.len(), limiter::Algorithm::ALL.len());
    }
}
