//! The cache in the process. The suite `redis_cache` tests it with a real Redis.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU32, Ordering},
};

use tokio::sync::Notify;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn cache(time_to_live: Duration, stampede: Stampede) -> Cache<String, u32> {
    let policy = CachePolicy { capacity: 10, time_to_live, stampede };
    Cache::new("numbers", Tiers::Local, policy, &mut Registry::default())
}

fn expiring(value: u32) -> Expiring<u32> {
    Expiring { value, at_most: Duration::MAX }
}

async fn get(cache: &Cache<String, u32>, key: &str, stored: Option<u32>) -> Option<u32> {
    let load = async || Ok::<_, Infallible>(stored.map(expiring));
    cache.get_or_load(&key.to_owned(), load).await.expect("it cannot fail")
}

/// Misses one key three times concurrently; returns the number of loads from the store.
async fn loads(stampede: Stampede, stored: Option<u32>) -> u32 {
    let cache = cache(MINUTE, stampede);
    let (key, loads) = ("key".to_owned(), AtomicU32::new(0));
    let ask = || {
        cache.get_or_load(&key, async || {
            loads.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(stored.map(expiring))
        })
    };
    assert_eq!(tokio::join!(ask(), ask(), ask()), (Ok(stored), Ok(stored), Ok(stored)));
    loads.load(Ordering::SeqCst)
}

#[tokio::test]
async fn with_single_flight_one_asks_the_store_and_without_it_each_does() {
    for stored in [Some(7), None] {
        assert_eq!(loads(Stampede::SingleFlight, stored).await, 1, "{stored:?}");
        assert_eq!(loads(Stampede::Off, stored).await, 3, "{stored:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_is_kept_for_its_time_and_not_longer() {
    for stampede in [Stampede::SingleFlight, Stampede::Off] {
        let cache = cache(MINUTE, stampede);
        assert_eq!(get(&cache, "key", Some(1)).await, Some(1));
        tokio::time::advance(Duration::from_secs(53)).await;
        assert_eq!(get(&cache, "key", Some(2)).await, Some(1), "a tenth before its time at the earliest");
        tokio::time::advance(Duration::from_secs(14)).await;
        assert_eq!(get(&cache, "key", Some(2)).await, Some(2), "a tenth after its time at the latest");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_is_kept_no_longer_than_it_is_of_use() {
    let cache = cache(MINUTE, Stampede::SingleFlight);
    let key = "key".to_owned();
    let brief = async || Ok::<_, Infallible>(Some(Expiring { value: 1, at_most: Duration::from_secs(3) }));
    assert_eq!(cache.get_or_load(&key, brief).await, Ok(Some(1)));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(get(&cache, "key", Some(2)).await, Some(1));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(get(&cache, "key", Some(2)).await, Some(2));
}

#[tokio::test]
async fn neither_an_absence_nor_a_failure_is_kept() {
    for stampede in [Stampede::SingleFlight, Stampede::Off] {
        let cache = cache(MINUTE, stampede);
        assert_eq!(get(&cache, "key", None).await, None);
        assert_eq!(cache.get_or_load(&"key".to_owned(), async || Err("away")).await, Err("away"));
        assert_eq!(get(&cache, "key", Some(3)).await, Some(3));
    }
}

#[tokio::test]
async fn a_reader_who_read_before_a_write_does_not_bring_the_old_value_back() {
    let cache = cache(MINUTE, Stampede::SingleFlight);
    let (key, has_read, goes_on) = ("key".to_owned(), Notify::new(), Notify::new());
    let slow = cache.get_or_load(&key, async || {
        has_read.notify_one();
        goes_on.notified().await;
        Ok::<_, Infallible>(Some(expiring(1)))
    });
    let writer = async {
        has_read.notified().await;
        cache.remove(&key).await;
        goes_on.notify_one();
    };
    assert_eq!(tokio::join!(slow, writer).0, Ok(Some(1)), "it asked before the write");
    assert_eq!(get(&cache, "key", None).await, None, "who asks after the write sees it");
    assert_eq!(get(&cache, "key", Some(2)).await, Some(2));
}

#[tokio::test]
async fn every_read_is_a_hit_a_wait_or_a_miss() {
    let mut registry = Registry::default();
    let policy = CachePolicy { capacity: 10, time_to_live: MINUTE, stampede: Stampede::SingleFlight };
    let cache = Cache::<String, u32>::new("numbers", Tiers::Local, policy, &mut registry);
    let key = "key".to_owned();
    let ask = || {
        cache.get_or_load(&key, async || {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Some(expiring(1)))
        })
    };
    let _ = tokio::join!(ask(), ask());
    let _ = ask().await;
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).expect("metrics");
    for line in [
        r#"cache_hits_total{cache="numbers",tier="local"} 1"#,
        r#"cache_waits_total{cache="numbers"} 1"#,
        r#"cache_misses_total{cache="numbers",tier="local"} 1"#,
        r#"cache_loads_total{cache="numbers"} 1"#,
    ] {
        assert!(text.lines().any(|written| written == line), "`{line}` is not in\n{text}");
    }
}
