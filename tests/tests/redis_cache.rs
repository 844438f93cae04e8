//! The entries of a cache in Redis and their expiry; and that an unavailable or frozen server makes no reply
//! wrong or late.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use backing::{ABSENT_FOR, ANSWER_WITHIN, Background, Cache, CachePolicy, Expiring, Redis, Stampede, Tiers};
use prometheus_client::{encoding::text::encode, registry::Registry};
use system_tests::{
    clock::Clock,
    redis_server::{PATIENT, RedisServer},
};
use tokio::{sync::Notify, time::sleep};

/// The time limit for a cache to use a server that is available again.
const USED_AGAIN_WITHIN: Duration = Duration::from_secs(5);
/// A margin on time limits for a busy machine.
const SLACK: Duration = Duration::from_millis(250);

/// The cache of one process.
struct Process {
    cache: Cache<String, u32>,
    registry: Registry,
    loads: AtomicU32,
}

impl Process {
    /// A cache with a response time-out that a busy machine does not reach.
    async fn new(address: &str, tiers: fn(Redis) -> Tiers, stampede: Stampede) -> Self {
        Self::within(PATIENT, address, tiers, stampede).await
    }

    /// A cache with the default response time-out.
    async fn hasty(server: &RedisServer) -> Self {
        Self::within(ANSWER_WITHIN, &server.address(), Tiers::Redis, Stampede::SingleFlight).await
    }

    async fn within(answer: Duration, address: &str, tiers: fn(Redis) -> Tiers, stampede: Stampede) -> Self {
        let mut registry = Registry::default();
        let redis =
            Redis::open(address, "cache", answer, &mut registry, &Background::default()).await.unwrap();
        let policy = CachePolicy { capacity: 100, time_to_live: Duration::from_mins(1), stampede };
        let cache = Cache::new("numbers", tiers(redis), policy, &mut registry);
        Self { cache, registry, loads: AtomicU32::new(0) }
    }

    /// Reads a key that has this value in the store.
    async fn read(&self, key: &str, stored: Option<u32>) -> Option<u32> {
        let load = async || {
            self.loads.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(stored.map(expiring))
        };
        self.cache.get_or_load(&key.to_owned(), load).await.unwrap()
    }

    /// A read that has loaded from the store and waits before it fills the cache.
    async fn read_slowly(&self, stored: Option<u32>, has_read: &Notify, goes_on: &Notify) -> Option<u32> {
        let load = async || {
            has_read.notify_one();
            goes_on.notified().await;
            Ok::<_, Infallible>(stored.map(expiring))
        };
        self.cache.get_or_load(&"key".to_owned(), load).await.unwrap()
    }

    async fn write(&self, key: &str, value: u32) {
        self.cache.put(&key.to_owned(), &expiring(value)).await;
    }

    async fn remove(&self, key: &str) {
        self.cache.remove(&key.to_owned()).await;
    }

    fn loads(&self) -> u32 {
        self.loads.load(Ordering::SeqCst)
    }

    /// The sum of a counter over its label sets that contain `label`.
    fn count(&self, name: &str, label: &str) -> f64 {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        let of_it = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
        of_it.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }
}

fn expiring(value: u32) -> Expiring<u32> {
    Expiring { value, at_most: Duration::MAX }
}

#[tokio::test]
async fn what_one_process_found_every_process_has_and_an_absence_too() {
    let Some(server) = RedisServer::start().await else { return };
    let one = Process::new(&server.address(), Tiers::Redis, Stampede::SingleFlight).await;
    let other = Process::new(&server.address(), Tiers::Redis, Stampede::SingleFlight).await;
    for (key, stored) in [("there", Some(1)), ("nowhere", None)] {
        assert_eq!(one.read(key, stored).await, stored);
        assert_eq!(other.read(key, Some(99)).await, stored, "the store is not asked again");
    }
    assert_eq!((one.loads(), other.loads()), (2, 0));
    assert!((other.count("cache_hits_total", "tier=\"redis\"") - 2.0).abs() < 0.1);
    other.write("nowhere", 2).await;
    other.remove("there").await;
    assert_eq!((one.read("nowhere", None).await, one.read("there", Some(99)).await), (Some(2), None));
}

#[tokio::test]
async fn each_value_has_its_life_and_an_absence_a_short_one() {
    let Some(server) = RedisServer::start().await else { return };
    let process = Process::new(&server.address(), Tiers::Redis, Stampede::SingleFlight).await;
    process.read("there", Some(1)).await;
    process.read("nowhere", None).await;
    let brief = Expiring { value: 1, at_most: Duration::from_secs(7) };
    process.cache.put(&"brief".to_owned(), &brief).await;
    assert_eq!(process.read("brief", None).await, Some(1));
    let there = life(&server, "there").as_secs_f64();
    assert!((50.0..=66.0).contains(&there), "a minute, give or take a tenth: {there}");
    assert!(life(&server, "nowhere") <= ABSENT_FOR && life(&server, "brief") <= Duration::from_secs(7));
    assert!(life(&server, "brief") > Duration::from_secs(1), "somebody asked for it");
}

/// The time to live of a key.
fn life(server: &RedisServer, key: &str) -> Duration {
    let reply = server.ask(&format!("PTTL numbers:{key}"));
    Duration::from_millis(reply.trim_start_matches(':').parse().unwrap_or_else(|_| panic!("{reply}")))
}

#[tokio::test]
async fn a_value_that_was_written_is_kept_only_if_somebody_asks_for_it() {
    let Some(server) = RedisServer::start().await else { return };
    let process = Process::new(&server.address(), Tiers::Redis, Stampede::SingleFlight).await;
    process.write("asked", 1).await;
    assert_eq!(process.read("asked", None).await, Some(1), "it is there at once");
    process.write("unasked", 2).await;
    let (asked, unasked) = (life(&server, "asked"), life(&server, "unasked"));
    assert!(asked > Duration::from_secs(50) && asked <= Duration::from_secs(66), "its life: {asked:?}");
    assert!(unasked > backing::FILL_WITHIN && unasked <= Duration::from_secs(1), "probation: {unasked:?}");
    // The first read sets its time to live, not the last.
    server.ask("PEXPIRE numbers:asked 5000");
    assert_eq!(process.read("asked", None).await, Some(1));
    assert!(life(&server, "asked") <= Duration::from_secs(5));
    assert_eq!(process.loads(), 0);
}

#[tokio::test]
async fn a_reader_who_read_before_a_write_does_not_bring_the_old_value_back() {
    let Some(server) = RedisServer::start().await else { return };
    for stampede in [Stampede::SingleFlight, Stampede::Off] {
        server.ask("FLUSHALL");
        let address = server.address();
        let process = || Process::new(&address, Tiers::Redis, stampede);
        let (reader, writer, third) = tokio::join!(process(), process(), process());
        let (has_read, goes_on) = (Notify::new(), Notify::new());
        let removal = async {
            has_read.notified().await;
            writer.remove("key").await;
            goes_on.notify_one();
        };
        let slow = reader.read_slowly(Some(1), &has_read, &goes_on);
        assert_eq!(tokio::join!(slow, removal).0, Some(1), "it asked before the removal");
        assert_eq!(third.read("key", None).await, None, "who asks after the removal sees it");

        server.ask("FLUSHALL");
        let creation = async {
            has_read.notified().await;
            writer.write("key", 2).await;
            goes_on.notify_one();
        };
        let slow = reader.read_slowly(None, &has_read, &goes_on);
        assert_eq!(tokio::join!(slow, creation).0, None, "it asked before the creation");
        assert_eq!(third.read("key", Some(2)).await, Some(2), "who asks after the creation sees it");
        assert_eq!(third.loads(), 0, "because the writer left it there");
    }
}

#[tokio::test]
async fn a_reader_who_was_away_for_long_leaves_nothing() {
    let Some(server) = RedisServer::start().await else { return };
    let reader = Process::new(&server.address(), Tiers::Redis, Stampede::Off).await;
    let load = async || {
        // Longer than a fill is permitted.
        sleep(backing::FILL_WITHIN + Duration::from_millis(50)).await;
        Ok::<_, Infallible>(Some(expiring(1)))
    };
    assert_eq!(reader.cache.get_or_load(&"key".to_owned(), load).await, Ok(Some(1)));
    assert_eq!(server.ask("DBSIZE"), ":0");
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_asks_the_store() {
    let Some(server) = RedisServer::start().await else { return };
    for (stampede, expected) in [(Stampede::SingleFlight, 1), (Stampede::Off, 20)] {
        for stored in [Some(1), None] {
            server.ask("FLUSHALL");
            let process = Process::new(&server.address(), Tiers::Redis, stampede).await;
            let load = async || {
                process.loads.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_millis(100)).await;
                Ok::<_, Infallible>(stored.map(expiring))
            };
            let (key, process) = ("key".to_owned(), &process);
            let asking = (0..20).map(|_| process.cache.get_or_load(&key, load));
            for answer in futures::future::join_all(asking).await {
                assert_eq!(answer, Ok(stored));
            }
            assert_eq!(process.loads(), expected, "{stampede:?}, {stored:?}");
        }
    }
}

#[tokio::test]
async fn a_removal_elsewhere_is_seen_within_a_second_where_there_are_two_tiers() {
    let Some(server) = RedisServer::start().await else { return };
    let one = Process::new(&server.address(), Tiers::Tiered, Stampede::SingleFlight).await;
    let other = Process::new(&server.address(), Tiers::Tiered, Stampede::SingleFlight).await;
    assert_eq!(one.read("key", Some(1)).await, Some(1));
    assert_eq!(one.read("key", None).await, Some(1));
    assert!(one.count("cache_hits_total", "tier=\"local\"") > 0.0, "it is asked of the process");
    other.remove("key").await;
    let clock = Clock::start();
    let removed = clock.now();
    while one.read("key", None).await.is_some() {
        assert!(clock.since(removed) < backing::LOCAL_FOR + SLACK, "it is still there");
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(other.read("key", Some(99)).await, None, "at once where it was removed");
}

#[tokio::test]
async fn each_tier_counts_what_it_had_and_what_it_passed_on() {
    let Some(server) = RedisServer::start().await else { return };
    let one = Process::new(&server.address(), Tiers::Tiered, Stampede::SingleFlight).await;
    let other = Process::new(&server.address(), Tiers::Tiered, Stampede::SingleFlight).await;
    let third = Process::new(&server.address(), Tiers::Redis, Stampede::SingleFlight).await;
    // Both tiers miss; the next read hits.
    assert_eq!(one.read("key", Some(1)).await, Some(1));
    assert_eq!(other.read("key", Some(99)).await, Some(1));
    assert_eq!(third.read("key", Some(99)).await, Some(1));
    for (process, name, expected) in [
        (&one, "cache_misses_total{cache=\"numbers\",tier=\"local\"}", 1.0),
        (&one, "cache_misses_total{cache=\"numbers\",tier=\"redis\"}", 1.0),
        (&one, "cache_loads_total", 1.0),
        (&other, "cache_misses_total{cache=\"numbers\",tier=\"local\"}", 1.0),
        (&other, "cache_misses_total{cache=\"numbers\",tier=\"redis\"}", 0.0),
        (&other, "cache_loads_total", 0.0),
        // Without a tier in the process there are no misses of it.
        (&third, "cache_misses_total{cache=\"numbers\",tier=\"local\"}", 0.0),
        (&third, "cache_hits_total{cache=\"numbers\",tier=\"redis\"}", 1.0),
    ] {
        let counted = process.count(name, "");
        assert!((counted - expected).abs() < 0.1, "{name}: {counted} instead of {expected}");
    }
}

#[tokio::test]
async fn two_who_share_a_server_do_not_read_each_others_keys() {
    let Some(server) = RedisServer::start().await else { return };
    let of = |prefix: &str| format!("{}/0#{prefix}", server.address());
    let one = Process::new(&of("one"), Tiers::Redis, Stampede::Off).await;
    let other = Process::new(&of("other"), Tiers::Redis, Stampede::Off).await;
    assert_eq!((one.read("key", Some(1)).await, other.read("key", Some(2)).await), (Some(1), Some(2)));
    assert_eq!((one.read("key", None).await, other.read("key", None).await), (Some(1), Some(2)));
}

/// Reads many keys that are in the store: all replies are right, and none is late.
async fn many_reads_are_right_and_quick(process: &Process) {
    let clock = Clock::start();
    let began = clock.now();
    for number in 0..200 {
        let asked = clock.now();
        assert_eq!(process.read(&format!("key-{number}"), Some(number)).await, Some(number));
        let took = clock.since(asked);
        assert!(took < 2 * ANSWER_WITHIN + SLACK, "a read took {took:?}");
    }
    let took = clock.since(began);
    assert!(
        took < Duration::from_secs(1) + SLACK,
        "a server that is away costs no time-out a read: {took:?}"
    );
}

/// Waits until Redis serves a key that it holds.
async fn it_is_used_again(process: &Process) {
    let deadline = Instant::now() + USED_AGAIN_WITHIN;
    let hits = || process.count("cache_hits_total", "tier=\"redis\"");
    let before = hits();
    while hits() <= before {
        assert!(Instant::now() < deadline, "the server is back and is not used");
        assert_eq!(process.read("probe", Some(7)).await, Some(7));
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_server_that_is_killed_costs_nothing_and_is_used_again_when_it_is_back() {
    let Some(server) = RedisServer::start().await else { return };
    let process = Process::hasty(&server).await;
    many_reads_are_right_and_quick(&process).await;
    server.kill().await;
    many_reads_are_right_and_quick(&process).await;
    process.remove("key-1").await;
    assert!(process.count("redis_errors_total", "why=\"failed\"") >= 1.0);
    assert!(process.count("redis_errors_total", "why=\"away\"") >= 100.0);
    server.start_again().await;
    it_is_used_again(&process).await;
    many_reads_are_right_and_quick(&process).await;
}

#[tokio::test]
async fn a_server_that_is_frozen_costs_one_time_limit_and_is_used_again_when_it_runs() {
    let Some(server) = RedisServer::start().await else { return };
    let process = Process::hasty(&server).await;
    many_reads_are_right_and_quick(&process).await;
    server.freeze().await;
    many_reads_are_right_and_quick(&process).await;
    server.thaw().await;
    it_is_used_again(&process).await;
}

#[tokio::test]
async fn a_process_that_starts_without_its_cache_serves_and_uses_it_once_it_is_there() {
    let Some(server) = RedisServer::start().await else { return };
    server.kill().await;
    let process = Process::hasty(&server).await;
    many_reads_are_right_and_quick(&process).await;
    server.start_again().await;
    it_is_used_again(&process).await;
}
