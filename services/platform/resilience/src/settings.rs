//! Every setting of every layer: a constant with its source, and a struct through which a test or a scenario
//! sets another value.
//!
//! Sources that several constants share:
//!
//! - Finagle: <https://twitter.github.io/finagle/guide/Clients.html>
//! - Linkerd: <https://linkerd.io/2/reference/circuit-breaking/>
//! - resilience4j: <https://resilience4j.readme.io/docs/circuitbreaker>
//! - Hystrix: <https://github.com/Netflix/Hystrix/wiki/Configuration>
//! - Envoy: <https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/outlier_detection.proto>
//! - Netflix: <https://github.com/Netflix/concurrency-limits>, `AIMDLimit`
//! - The Tail at Scale: Dean and Barroso, Communications of the ACM 56(2), 2013
//!
//! "Ours" marks a value that we chose, with the reason.

use std::time::Duration;

/// The time limit of one attempt. Ours: half of the 2 s that an edge gives a request, so that a second
/// attempt has a chance. A host file sets it (`attempt_ms`).
pub const ATTEMPT: Duration = Duration::from_secs(1);

/// The share of attempts that an adaptive limit lets end. AWS takes the percentile at which timeouts in vain are
/// acceptable, such as the 99.9th; ours is the 99th, because ten thousand calls are more than ten seconds have.
pub const ATTEMPT_PERCENTILE: f64 = 0.99;
/// The adaptive limit as a multiple of that percentile. Ours: three, so that a callee that takes twice as long as
/// before still has its calls answered.
pub const ATTEMPT_MULTIPLE: f64 = 3.0;
/// The least adaptive limit. Ours: 50 ms; a process that stands still for a moment (its scheduler, a flush of its disk)
/// is not one that hangs. TCP's least is 1 s (RFC 6298, 2.4), for the same reason across the internet.
pub const ATTEMPT_LEAST: Duration = Duration::from_millis(50);
/// The limit of an attempt that is shorter than what a callee under load takes: a negative control of the axis
/// `attempt-limit`. Ours: between the 1 ms of a hop at rest and the 50 ms of [`ATTEMPT_LEAST`].
pub const ATTEMPT_SHORT: Duration = Duration::from_millis(25);

/// Sends of one call, the first included: resilience4j's and the AWS SDK's three.
pub const ATTEMPTS: u32 = 3;
/// The upper bound of the first backoff. The AWS SDK starts at a second, for calls across the internet; ours
/// is a twentieth, because a hop takes under a millisecond and the deadline is 2 s.
pub const BACKOFF_BASE: Duration = Duration::from_millis(50);
/// The upper bound of any backoff. Ours: half of the edge's deadline; a longer one would always end beyond it.
pub const BACKOFF_CAP: Duration = Duration::from_secs(1);
/// Retries may be a fifth of the calls that were answered: Finagle's and Linkerd's 20 %.
pub const RETRY_SHARE: f32 = 0.2;
/// Retries a second that are always allowed: Finagle's and Linkerd's ten.
pub const RETRIES_PER_SECOND: u32 = 10;
/// How long an answered call counts towards the budget: the default of tower's `TpsBudget`, after Finagle.
pub const BUDGET_WINDOW: Duration = Duration::from_secs(10);

/// Failures in a row that open a breaker: Finagle's five, which is also Envoy's `consecutive_5xx`.
pub const FAILURES_IN_A_ROW: u32 = 5;
/// The share of failed calls that opens a breaker: resilience4j's and Hystrix's half.
pub const FAILURE_RATE: f64 = 0.5;
/// The share of slow calls that opens a breaker. Ours: the same half. resilience4j opens at 100 % of calls
/// slower than 60 s, which in practice is never.
pub const SLOW_RATE: f64 = 0.5;
/// The duration from which a call is slow. Ours: half of the limit of an attempt, so that a breaker opens
/// before callers time out.
pub const SLOW_CALL: Duration = Duration::from_millis(500);
/// The window over which the rates are taken: Hystrix's 10 s, which is also Envoy's `interval`.
pub const WINDOW: Duration = Duration::from_secs(10);
/// The parts of a window by time; the oldest part leaves as one: Hystrix's ten buckets.
pub const BUCKETS: usize = 10;
/// Calls in the window below which no rate opens a breaker: Hystrix's 20 (`requestVolumeThreshold`).
pub const MINIMUM_CALLS: u32 = 20;
/// How long a breaker stays open the first time: Linkerd's `min-penalty` of one second.
pub const OPEN_BASE: Duration = Duration::from_secs(1);
/// The longest time that a breaker stays open. Linkerd has 60 s and Finagle 300 s for one of many endpoints;
/// ours guards the only callee, and has to be back within 5 s of the end of a fault.
pub const OPEN_CAP: Duration = Duration::from_secs(4);
/// The share of the time open that is drawn at random, so that callers do not probe in step: Linkerd's
/// `jitter-ratio`.
pub const OPEN_JITTER: f64 = 0.5;
/// Probes of a half-open breaker; all of them have to succeed. tower-resilience's `standard` preset has three,
/// between the one of Polly, Finagle and Linkerd and the ten of resilience4j.
pub const PROBES: u32 = 3;
/// The duration after which a probe without an outcome has failed. Ours: the limit of an attempt, so that it
/// matters only where no other limit does.
pub const PROBE_LIMIT: Duration = ATTEMPT;

/// Calls of one process to one callee that may be in flight. Ours: a quarter of the requests that a process
/// takes (512), so that one callee cannot hold them all. resilience4j has 25, Envoy 1,024.
pub const BULKHEAD: usize = 128;

/// How long the first attempt of a hedged call has before the second is sent. The Tail at Scale, `BigTable`:
/// hedges after 10 ms took the 99.9th percentile of 1,000 reads from 1,800 to 74 ms.
pub const HEDGE_AFTER: Duration = Duration::from_millis(10);
/// Hedges may be a twentieth of the calls that were answered: The Tail at Scale.
pub const HEDGE_SHARE: f32 = 0.05;
/// Hedges a second that are always allowed. Ours: one, so that a quiet caller hedges too.
pub const HEDGES_PER_SECOND: u32 = 1;

/// The first adaptive limit, and the least and the greatest: Netflix's 20 and 200. Ours goes down to one,
/// because a minimum above what a callee can bear never relieves it.
pub const LIMIT_FIRST: usize = 20;
/// See [`LIMIT_FIRST`].
pub const LIMIT_LEAST: usize = 1;
/// See [`LIMIT_FIRST`].
pub const LIMIT_MOST: usize = 200;
/// What remains of the limit after a drop: Netflix's `backoffRatio`.
pub const LIMIT_DECREASE: f64 = 0.9;
/// The duration from which a call counts as a drop. Netflix has 5 s; ours is the duration of a slow call.
pub const LIMIT_SLOW: Duration = SLOW_CALL;

/// The duration from which a request counts as a drop at a server with an adaptive limit. Ours: a fifth of what its
/// callers call slow, so that their breakers stay closed while it is full.
pub const SERVER_SLOW: Duration = Duration::from_millis(100);

/// Failures in a row after which a replica is ejected: Envoy's `consecutive_5xx`.
pub const EJECT_AFTER: u32 = 5;
/// How long a replica is ejected the first time: the lower bound of Finagle's 5 to 300 s. It grows by as much
/// with each ejection, as Envoy's does.
pub const EJECT_BASE: Duration = Duration::from_secs(5);
/// The longest ejection: Finagle's upper bound, and Envoy's `max_ejection_time`.
pub const EJECT_CAP: Duration = Duration::from_mins(5);
/// The share of the replicas that may be ejected at the same time, rounded down. Ours: half, because there are
/// two or four replicas, of which Envoy's tenth would be none.
pub const EJECT_SHARE: f64 = 0.5;
/// A call that its caller gives up after this time counts as a failure of the replica; one given up earlier
/// says nothing. Ours: the duration of a slow call, because the limit of an attempt ends the call from outside
/// of the balancer.
pub const EJECT_GIVEN_UP: Duration = SLOW_CALL;

/// The share of a server's permits that calls of each class may use, from background to critical. Stripe keeps
/// 20 % for critical requests (<https://stripe.com/blog/rate-limiters>); the steps below that are ours.
pub const SHED_SHARES: [f64; 4] = [0.4, 0.6, 0.8, 1.0];

/// The settings of all layers around one callee.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The time limit of one attempt.
    pub attempt: AttemptSettings,
    /// Retries.
    pub retry: RetrySettings,
    /// The circuit breaker.
    pub breaker: BreakerSettings,
    /// The limit of calls in flight.
    pub limit: LimitSettings,
    /// Hedged reads.
    pub hedge: HedgeSettings,
    /// The ejection of replicas.
    pub ejection: EjectionSettings,
    /// Where the layers stand.
    pub order: Order,
    /// The seed of all jitter.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            attempt: AttemptSettings::Fixed(ATTEMPT),
            retry: RetrySettings::default(),
            breaker: BreakerSettings::default(),
            limit: LimitSettings::Fixed(BULKHEAD),
            hedge: HedgeSettings::default(),
            ejection: EjectionSettings::default(),
            order: Order::default(),
            seed: 0,
        }
    }
}

/// The time limit of one attempt.
#[derive(Clone, Copy, Debug)]
pub enum AttemptSettings {
    /// Always the same.
    Fixed(Duration),
    /// A multiple of what nearly all attempts took lately.
    Adaptive(AdaptiveAttempt),
}

/// The settings of an adaptive limit of an attempt.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveAttempt {
    /// The share of the attempts lately that took no longer.
    pub percentile: f64,
    /// The limit as a multiple of that percentile.
    pub multiple: f64,
    /// The least limit.
    pub least: Duration,
    /// The greatest limit, which holds as long as too little is known.
    pub most: Duration,
    /// How long an attempt counts.
    pub window: Duration,
    /// Attempts in the window below which too little is known.
    pub minimum_calls: u32,
}

impl AdaptiveAttempt {
    /// The standard settings, up to this limit.
    pub const fn up_to(most: Duration) -> Self {
        Self {
            percentile: ATTEMPT_PERCENTILE,
            multiple: ATTEMPT_MULTIPLE,
            least: ATTEMPT_LEAST,
            most,
            window: WINDOW,
            minimum_calls: MINIMUM_CALLS,
        }
    }
}

/// The settings of retries.
#[derive(Clone, Copy, Debug)]
pub struct RetrySettings {
    /// Sends of one call, the first included.
    pub attempts: u32,
    /// The upper bound of the first backoff.
    pub backoff_base: Duration,
    /// The upper bound of any backoff.
    pub backoff_cap: Duration,
    /// The budget.
    pub budget: BudgetSettings,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            attempts: ATTEMPTS,
            backoff_base: BACKOFF_BASE,
            backoff_cap: BACKOFF_CAP,
            budget: BudgetSettings { share: RETRY_SHARE, per_second: RETRIES_PER_SECOND },
        }
    }
}

/// How many extra calls the answered ones pay for.
#[derive(Clone, Copy, Debug)]
pub struct BudgetSettings {
    /// Extra calls for each answered one.
    pub share: f32,
    /// Extra calls a second that are always allowed.
    pub per_second: u32,
}

/// The span over which a breaker takes its rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowSettings {
    /// The last calls.
    Calls(usize),
    /// The calls of the last so and so many seconds.
    Time(Duration),
}

/// The settings of a circuit breaker.
#[derive(Clone, Copy, Debug)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub failures_in_a_row: u32,
    /// The share of failed calls that opens it.
    pub failure_rate: f64,
    /// The share of slow calls that opens it.
    pub slow_rate: f64,
    /// The duration from which a call is slow.
    pub slow_call: Duration,
    /// The span over which the rates are taken.
    pub window: WindowSettings,
    /// Calls in the window below which no rate opens it.
    pub minimum_calls: u32,
    /// How long it stays open the first time.
    pub open_base: Duration,
    /// The longest time that it stays open.
    pub open_cap: Duration,
    /// The share of the time open that is drawn at random.
    pub open_jitter: f64,
    /// Probes while it is half-open.
    pub probes: u32,
    /// The duration after which a probe without an outcome has failed.
    pub probe_limit: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures_in_a_row: FAILURES_IN_A_ROW,
            failure_rate: FAILURE_RATE,
            slow_rate: SLOW_RATE,
            slow_call: SLOW_CALL,
            window: WindowSettings::Time(WINDOW),
            minimum_calls: MINIMUM_CALLS,
            open_base: OPEN_BASE,
            open_cap: OPEN_CAP,
            open_jitter: OPEN_JITTER,
            probes: PROBES,
            probe_limit: PROBE_LIMIT,
        }
    }
}

/// The settings of hedged reads.
#[derive(Clone, Copy, Debug)]
pub struct HedgeSettings {
    /// How long the first attempt has before the second is sent.
    pub after: Duration,
    /// The budget.
    pub budget: BudgetSettings,
}

impl Default for HedgeSettings {
    fn default() -> Self {
        let budget = BudgetSettings { share: HEDGE_SHARE, per_second: HEDGES_PER_SECOND };
        Self { after: HEDGE_AFTER, budget }
    }
}

/// The limit of calls in flight.
#[derive(Clone, Copy, Debug)]
pub enum LimitSettings {
    /// Always as many: a bulkhead.
    Fixed(usize),
    /// As many as the callee can bear.
    Adaptive(AdaptiveSettings),
}

/// The settings of an adaptive limit.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveSettings {
    /// The first limit.
    pub first: usize,
    /// The least limit.
    pub least: usize,
    /// The greatest limit.
    pub most: usize,
    /// What remains of the limit after a drop.
    pub decrease: f64,
    /// The duration from which a call counts as a drop.
    pub slow: Duration,
}

impl AdaptiveSettings {
    /// The settings of a server's own limit, up to so many requests.
    pub fn of_server(most: usize) -> Self {
        Self { first: LIMIT_FIRST.min(most), most, slow: SERVER_SLOW, ..Self::default() }
    }
}

impl Default for AdaptiveSettings {
    fn default() -> Self {
        Self {
            first: LIMIT_FIRST,
            least: LIMIT_LEAST,
            most: LIMIT_MOST,
            decrease: LIMIT_DECREASE,
            slow: LIMIT_SLOW,
        }
    }
}

/// The settings of the ejection of replicas.
#[derive(Clone, Copy, Debug)]
pub struct EjectionSettings {
    /// Failures in a row after which a replica is ejected.
    pub after: u32,
    /// How long it is ejected the first time.
    pub base: Duration,
    /// The longest ejection.
    pub cap: Duration,
    /// The share of the replicas that may be ejected at the same time.
    pub share: f64,
    /// A call that its caller gives up after this time counts as a failure.
    pub given_up: Duration,
}

impl Default for EjectionSettings {
    fn default() -> Self {
        Self {
            after: EJECT_AFTER,
            base: EJECT_BASE,
            cap: EJECT_CAP,
            share: EJECT_SHARE,
            given_up: EJECT_GIVEN_UP,
        }
    }
}

/// Where the retry and the limit of an attempt stand: the axis `layer-order`. The default is the right order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Whether the breaker stands outside the retry, where it sees an operation and not its attempts.
    pub retry_inside_breaker: bool,
    /// Whether the limit of an attempt stands outside retry and breaker, where it is the limit of all attempts
    /// together and the breaker sees a caller that went away.
    pub attempt_limit_outside_retry: bool,
}
