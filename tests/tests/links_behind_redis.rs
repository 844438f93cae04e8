//! Links behind a cache in Redis: whatever happens to the server, no acknowledged link is lost and no reply
//! is wrong.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use backing::{ANSWER_WITHIN, Background, Cache, CachePolicy, Redis, Stampede, Tiers};
use contract::SystemClock;
use prometheus_client::registry::Registry;
use shortener::{Code, Link, LinkError, LinkService, Links, RandomCodes};
use shortener_app::{CachedLinkStore, MemoryLinkStore, new_link_id};
use system_tests::{redis_server::RedisServer, stores::numbered};
use tokio::time::sleep;

/// Links in memory behind a cache in Redis with a time to live of one second.
async fn links(server: &RedisServer, tiers: fn(Redis) -> Tiers) -> Arc<dyn Links> {
    let mut registry = Registry::default();
    let redis = Redis::open(&server.address(), "cache", ANSWER_WITHIN, &mut registry, &Background::default())
        .await
        .unwrap();
    let policy = CachePolicy {
        capacity: 1_000,
        time_to_live: Duration::from_secs(1),
        stampede: Stampede::SingleFlight,
    };
    let cache = Cache::new("links", tiers(redis), policy, &mut registry);
    let store = CachedLinkStore::new(Arc::new(MemoryLinkStore::default()), cache, Arc::new(SystemClock));
    let codes = Arc::new(RandomCodes::new(remote::new_span_id));
    Arc::new(LinkService::new(Arc::new(store), codes, Arc::new(SystemClock), new_link_id))
}

async fn shorten(links: &dyn Links, number: u32) -> Link {
    let request = numbered(number);
    links.shorten(request).await.unwrap()
}

/// Creates, follows and removes links until stopped; every reply has to be right.
///
/// Returns the links that must exist, and the codes that must not.
async fn use_links(links: &dyn Links, stop: &AtomicU32) -> (Vec<Link>, Vec<Code>) {
    let (mut kept, mut removed) = (Vec::new(), Vec::new());
    for number in 0.. {
        if stop.load(Ordering::SeqCst) == 1 {
            break;
        }
        let link = shorten(links, number).await;
        assert_eq!(links.resolve(link.code.clone()).await.as_ref(), Ok(&link), "just made");
        if number % 5 == 0 {
            links.remove(link.code.clone()).await.unwrap();
            removed.push(link.code);
        } else {
            kept.push(link);
        }
        if let Some(known) = kept.get(number as usize * 7 % kept.len().max(1)) {
            assert_eq!(links.resolve(known.code.clone()).await.as_ref(), Ok(known));
        }
        sleep(Duration::from_millis(1)).await;
    }
    (kept, removed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_the_server_no_acknowledged_link_is_lost_and_no_answer_is_wrong() {
    for tiers in [Tiers::Redis as fn(Redis) -> Tiers, Tiers::Tiered] {
        let Some(server) = RedisServer::start().await else { return };
        let (links, stop) = (links(&server, tiers).await, Arc::new(AtomicU32::new(0)));
        let using = {
            let (links, stop) = (Arc::clone(&links), Arc::clone(&stop));
            tokio::spawn(async move { use_links(&*links, &stop).await })
        };
        let some_time = || sleep(Duration::from_millis(400));
        some_time().await;
        server.ask("FLUSHALL");
        some_time().await;
        server.freeze().await;
        some_time().await;
        server.thaw().await;
        some_time().await;
        server.kill().await;
        some_time().await;
        server.start_again().await;
        some_time().await;
        stop.store(1, Ordering::SeqCst);
        let (kept, removed) = using.await.unwrap();
        assert!(kept.len() > 100 && removed.len() > 20, "{} and {}", kept.len(), removed.len());
        for link in kept {
            assert_eq!(links.resolve(link.code.clone()).await, Ok(link));
        }
        // Entries of removals that Redis missed have expired by then.
        sleep(Duration::from_millis(2_300)).await;
        for code in removed {
            assert_eq!(links.resolve(code.clone()).await, Err(LinkError::NotFound { code }));
        }
    }
}
