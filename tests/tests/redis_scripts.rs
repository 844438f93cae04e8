//! The scripts that count in Redis, compared with the algorithms that they reproduce; and counts in Redis
//! while the server is unavailable, frozen, flushed or restarted.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use backing::{ANSWER_WITHIN, Background, Redis};
use contract::{Ticks, Why};
use limiter::{
    Algorithm, Capacity, Charge, CountError, CountKey, Counts, Fields, Limit, LocalCounts, Standing, Take,
};
use limiter_app::RedisCounts;
use prometheus_client::registry::Registry;
use system_tests::{
    clock::Clock,
    redis_server::{PATIENT, RedisServer},
};
use tokio::time::sleep;

/// A margin on time limits for a busy machine.
const SLACK: Duration = Duration::from_millis(250);
/// The time limit for counts to use a server that is available again.
const USED_AGAIN_WITHIN: Duration = Duration::from_secs(5);
/// Longer than many steps of a trace.
const ENDS_SOON: Duration = Duration::from_mins(1);
/// The scripts count in microseconds and round up.
const ROUNDED_BY: Duration = Duration::from_micros(2);

/// A clock that a test sets, in whole microseconds.
struct Hands(AtomicU64);

impl Ticks for Hands {
    fn ticks(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Numbers from a seed: splitmix64 (Steele, Lea, Flood, 2014).
struct Drawn(u64);

impl Drawn {
    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// A limit with such a long spacing that no key expires between two steps of a trace.
    fn limit(&mut self) -> Limit {
        let (most, window_ms) = match self.below(4) {
            0 => (3, 600_000),
            1 => (300, 600_000 + self.below(3_600_000)),
            2 => (7, 86_400_000),
            _ => (1_000_000, 31 * 86_400_000),
        };
        let requests = 1 + self.below(most);
        let burst = 1 + self.below(requests);
        Limit::new(requests, Duration::from_millis(window_ms), Some(burst)).unwrap()
    }

    /// The step of a clock to the next request, in microseconds: mostly about one spacing.
    fn step(&mut self, limit: &Limit) -> i64 {
        let window = limit.window().as_micros() as u64;
        let spacing = window / u64::from(limit.requests());
        let step = match self.below(12) {
            0 => 0,
            1 => self.below(window),
            2 => self.below(3 * window),
            3 => return -(self.below(window).cast_signed()),
            4 => return -(self.below(3 * window).cast_signed()),
            _ => self.below(2 * spacing),
        };
        step.cast_signed()
    }
}

/// The server, with a time-out that a busy machine does not reach.
async fn redis(server: &RedisServer) -> Redis {
    redis_within(PATIENT, server).await
}

async fn redis_within(answer: Duration, server: &RedisServer) -> Redis {
    Redis::open(&server.address(), "counts", answer, &mut Registry::default(), &Background::default())
        .await
        .unwrap()
}

fn charge(key: &str, limit: Limit, enforced: bool) -> Charge {
    Charge { key: CountKey(key.to_owned()), limit, enforced, cost: 1 }
}

#[track_caller]
fn agree(pure: &Standing, script: &Standing, told: &str) {
    assert_eq!(
        (pure.admits, pure.remaining),
        (script.admits, script.remaining),
        "{told}: {pure:?}, {script:?}"
    );
    assert_eq!(pure.retry_after.is_some(), script.retry_after.is_some(), "{told}: {pure:?}, {script:?}");
    for (exact, rounded) in [
        (pure.more_after, script.more_after),
        (pure.reset_after, script.reset_after),
        (pure.retry_after.unwrap_or_default(), script.retry_after.unwrap_or_default()),
        (pure.wait, script.wait),
    ] {
        assert!(exact.abs_diff(rounded) <= ROUNDED_BY, "{told}: {pure:?}, {script:?}");
    }
}

/// The merged counts of replicas in a sliding counter: up to the limit in the previous window, up to twice
/// that in the current one.
fn a_sum(drawn: &mut Drawn, limit: &Limit, now: u64) -> [u64; 3] {
    let requests = u64::from(limit.requests());
    [now / limit.window().as_nanos() as u64, drawn.below(requests + 1), drawn.below(2 * requests + 1)]
}

/// One trace of two keys, both charged by each request.
async fn trace(algorithm: Algorithm, server: &RedisServer, redis: &Redis, seed: u64) {
    let mut drawn = Drawn(seed);
    let limits = [drawn.limit(), drawn.limit()];
    let hands = Arc::new(Hands(AtomicU64::new(1_800_000_000_000_000_000)));
    let ticks = || Arc::clone(&hands) as Arc<dyn Ticks>;
    let pure = LocalCounts::new(algorithm, Capacity::default(), [7; 16], ticks());
    let scripts = RedisCounts::new(algorithm, redis.clone()).by(ticks());
    // A key near its end may have expired in the server, whose expiry uses its own clock.
    let mut ends = [0, 0];
    if algorithm == Algorithm::SlidingCounter {
        let sum = a_sum(&mut drawn, &limits[0], hands.ticks());
        let key = format!("{}-{seed}-0-0", algorithm.name());
        server.ask(&format!("SET {{counts}}:sliding-counter:{key} \"{} {} {}\"", sum[0], sum[1], sum[2]));
        pure.set_fields(&CountKey(key), &limits[0], Fields(sum));
    }
    for step in 0..80 {
        let moved = drawn.step(&limits[0]) * 1_000;
        hands.0.store(hands.ticks().saturating_add_signed(moved), Ordering::SeqCst);
        let key = |number: usize| format!("{}-{seed}-{number}-{}", algorithm.name(), ends[number]);
        let mut ended = [false; 2];
        let mut charges = vec![charge(&key(0), limits[0], drawn.below(4) > 0)];
        if drawn.below(3) == 0 {
            charges.push(charge(&key(1), limits[1], drawn.below(4) > 0));
        }
        if drawn.below(4) == 0 {
            charges.push(charges[0].clone());
        }
        for charge in &mut charges {
            charge.cost = if drawn.below(5) == 0 { drawn.below(6) as u32 } else { 1 };
        }
        let take = Take { charges };
        let (one, other) = (pure.take_now(&take).unwrap(), scripts.take(take.clone()).await.unwrap());
        for (charged, (one, other)) in take.charges.iter().zip(one.standings.iter().zip(&other.standings)) {
            agree(
                one,
                other,
                &format!("{algorithm:?}, seed {seed}, step {step}, moved {moved} ns, {take:?}"),
            );
            ended[usize::from(charged.key != take.charges[0].key)] |= one.reset_after < ENDS_SOON;
        }
        ends.iter_mut().zip(ended).for_each(|(end, ended)| *end += u32::from(ended));
    }
}

#[tokio::test]
async fn each_script_decides_as_the_algorithm_does_whatever_comes_and_whatever_the_clock_does() {
    let Some(server) = RedisServer::start().await else { return };
    let redis = redis(&server).await;
    for algorithm in Algorithm::ALL {
        for seed in 0..60 {
            trace(algorithm, &server, &redis, seed).await;
        }
    }
}

#[tokio::test]
async fn a_key_is_kept_until_it_is_as_good_as_new_and_no_longer() {
    let Some(server) = RedisServer::start().await else { return };
    let redis = redis(&server).await;
    let limit = Limit::new(10, Duration::from_millis(300), None).unwrap();
    for algorithm in Algorithm::ALL {
        let counts = RedisCounts::new(algorithm, redis.clone());
        let taken = counts
            .take(Take { charges: vec![Charge { cost: 10, ..charge("brief", limit, true) }] })
            .await
            .unwrap();
        assert!(taken.standings[0].admits, "{algorithm:?}: {taken:?}");
        let life = server.ask(&format!("PTTL {{counts}}:{}:brief", algorithm.name()));
        let life: u64 =
            life.trim_start_matches(':').parse().unwrap_or_else(|_| panic!("{algorithm:?}: {life}"));
        assert!((1..=601).contains(&life), "{algorithm:?}: {life} ms");
        sleep(Duration::from_millis(life) + SLACK).await;
        assert_eq!(server.ask("DBSIZE"), ":0", "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_script_that_the_server_has_forgotten_is_told_again() {
    let Some(server) = RedisServer::start().await else { return };
    let counts = RedisCounts::new(Algorithm::Gcra, redis(&server).await);
    for _ in 0..3 {
        assert!(take(&counts, "any").await.unwrap());
        server.ask("SCRIPT FLUSH");
    }
}

#[tokio::test]
async fn a_key_of_a_megabyte_is_a_key() {
    let Some(server) = RedisServer::start().await else { return };
    let counts = RedisCounts::new(Algorithm::Gcra, redis(&server).await);
    assert_eq!(take(&counts, &"x".repeat(1 << 20)).await, Ok(true));
}

/// Whether one request of five a minute is admitted.
async fn take(counts: &RedisCounts, key: &str) -> Result<bool, CountError> {
    let limit = Limit::new(5, Duration::from_mins(1), None).unwrap();
    let taken = counts.take(Take { charges: vec![charge(key, limit, true)] }).await?;
    Ok(taken.standings[0].admits)
}

/// Many calls: each fails, and none is late.
async fn all_fail_in_time(counts: &RedisCounts) {
    let clock = Clock::start();
    let began = clock.now();
    for number in 0..100 {
        let asked = clock.now();
        let Err(CountError::Unavailable(unavailable)) = take(counts, "gone").await else {
            panic!("call {number} was answered")
        };
        assert!(matches!(unavailable.why, Why::Unreachable | Why::TimedOut), "{unavailable}");
        assert!(clock.since(asked) < ANSWER_WITHIN + SLACK, "it took {:?}", clock.since(asked));
    }
    let took = clock.since(began);
    assert!(took < Duration::from_secs(2), "no time-out a call: {took:?}");
}

async fn it_counts_again(counts: &RedisCounts) {
    let deadline = Instant::now() + USED_AGAIN_WITHIN;
    while take(counts, "again").await.is_err() {
        assert!(Instant::now() < deadline, "the server is back and is not used");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_server_that_is_gone_or_frozen_is_told_from_an_answer_at_once() {
    let Some(server) = RedisServer::start().await else { return };
    let counts = RedisCounts::new(Algorithm::Gcra, redis_within(ANSWER_WITHIN, &server).await);
    it_counts_again(&counts).await;
    server.freeze().await;
    all_fail_in_time(&counts).await;
    server.thaw().await;
    it_counts_again(&counts).await;
    server.kill().await;
    all_fail_in_time(&counts).await;
    server.start_again().await;
    it_counts_again(&counts).await;
}

#[tokio::test]
async fn what_a_flushed_server_has_forgotten_is_admitted_once_more() {
    let Some(server) = RedisServer::start().await else { return };
    let counts = RedisCounts::new(Algorithm::Gcra, redis(&server).await);
    for _ in 0..2 {
        for _ in 0..5 {
            assert_eq!(take(&counts, "flushed").await, Ok(true));
        }
        assert_eq!(take(&counts, "flushed").await, Ok(false));
        server.ask("FLUSHALL");
    }
}
