//! The adapters against real servers in containers, each of which is restarted during the test.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use backing::{
    Background, Cache, CachePolicy, Database, Event, EventMetrics, Group, KafkaConsumer, KafkaPublisher,
    Postgres, Redis, Stampede, Tiers, TopicPublisher, Waiting,
};
use contract::SystemClock;
use prometheus_client::{metrics::counter::Counter, registry::Registry};
use shortener::{
    ClickService, ClickStore, Clicked, Clicks, Code, Link, LinkError, LinkService, LinkStore, Links,
    RandomCodes, Tally, TallyId,
};
use shortener_app::{
    CachedLinkStore, MemoryClickStore, PostgresClickStore, PostgresLinkStore, Tallying, new_link_id,
    topics::Follows,
};
use system_tests::{engine::docker, real_servers::Server, stores::numbered};
use tokio::task::JoinHandle;

/// The time limit for a server to become usable, at its start and after a restart.
const OF_USE_WITHIN: Duration = Duration::from_secs(90);

/// Retries until there is a result.
async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + OF_USE_WITHIN;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {OF_USE_WITHIN:?}: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn database(server: &Server) -> Postgres {
    let address = format!("postgres://postgres@127.0.0.1:{}/postgres", server.port());
    let open =
        async || Database::open(&address, "database", Counter::default(), &Waiting::default()).await.ok();
    let Database::Postgres(database) = eventually("PostgreSQL is up", open).await else {
        unreachable!("the address says postgres")
    };
    database
}

/// Stops and restarts a server in the background.
fn restart(server: &Arc<Server>) -> JoinHandle<()> {
    let server = Arc::clone(server);
    tokio::spawn(async move {
        server.stop().await;
        server.start_again().await;
    })
}

fn service(store: Arc<dyn LinkStore>) -> LinkService {
    LinkService::new(
        store,
        Arc::new(RandomCodes::new(remote::new_span_id)),
        Arc::new(SystemClock),
        new_link_id,
    )
}

/// Creates a link; retries with the same key until it is acknowledged.
async fn shorten(links: &dyn Links, number: u32) -> Link {
    let request = numbered(number);
    eventually("a link is acknowledged", async || match links.shorten(request.clone()).await {
        Ok(link) => Some(link),
        Err(LinkError::Unavailable(_)) => None,
        Err(other) => panic!("{other}"),
    })
    .await
}

async fn resolve(links: &dyn Links, code: &Code) -> Result<Link, LinkError> {
    eventually("a link is looked up", async || match links.resolve(code.clone()).await {
        Err(LinkError::Unavailable(_)) => None,
        answer => Some(answer),
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_link_is_lost_when_postgresql_is_killed_and_comes_back() {
    let Some(server) = Server::postgres(&[]).await else { return };
    let server = Arc::new(server);
    let database = database(&server).await;
    let links = service(Arc::new(PostgresLinkStore::open(database.clone()).await.unwrap()));
    let clicks = PostgresClickStore::open(database).await.unwrap();
    let mut made = Vec::new();
    for number in 0..50 {
        made.push(shorten(&links, number).await);
    }
    let crashing = {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            server.kill().await;
            server.start_again().await;
        })
    };
    for number in 50..200 {
        made.push(shorten(&links, number).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    crashing.await.unwrap();
    for link in &made {
        assert_eq!(resolve(&links, &link.code).await.as_ref(), Ok(link));
    }
    // The same key returns the same link after the crash as well.
    assert_eq!(shorten(&links, 7).await, made[7]);
    links.remove(made[7].code.clone()).await.unwrap();
    assert!(matches!(resolve(&links, &made[7].code).await, Err(LinkError::NotFound { .. })));

    let tally = Tally { id: TallyId(1), counts: [(made[0].id, 2)].into() };
    for _ in 0..2 {
        clicks.add(std::slice::from_ref(&tally)).await.unwrap();
    }
    assert_eq!(clicks.count(made[0].id).await.unwrap(), 2, "once, however often it comes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_behind_redis_are_right_while_redis_restarts() {
    let Some(server) = Server::redis(&[]).await else { return };
    let mut registry = Registry::default();
    let address = format!("redis://127.0.0.1:{}/0#test", server.port());
    let redis = Redis::open(&address, "cache", backing::ANSWER_WITHIN, &mut registry, &Background::default())
        .await
        .unwrap();
    let answers = async || redis.ask::<String>("test", &redis::cmd("PING")).await;
    eventually("Redis is up", answers).await;
    let policy = CachePolicy {
        capacity: 1_000,
        time_to_live: Duration::from_mins(1),
        stampede: Stampede::SingleFlight,
    };
    let cache = Cache::new("links", Tiers::Redis(redis.clone()), policy, &mut registry);
    let store = Arc::new(shortener_app::MemoryLinkStore::default());
    let links = service(Arc::new(CachedLinkStore::new(store, cache, Arc::new(SystemClock))));
    let mut made = Vec::new();
    for number in 0..50 {
        made.push(shorten(&links, number).await);
    }
    let server = Arc::new(server);
    let restarting = restart(&server);
    for number in 50..200 {
        made.push(shorten(&links, number).await);
        assert_eq!(
            links.resolve(made[number as usize / 2].code.clone()).await.as_ref(),
            Ok(&made[number as usize / 2])
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    restarting.await.unwrap();
    eventually("Redis is used again", answers).await;
    for link in &made {
        assert_eq!(links.resolve(link.code.clone()).await.as_ref(), Ok(link));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_click_is_lost_or_doubled_when_the_broker_restarts() {
    const CLICKS: u64 = 300;
    let Some(server) = Server::kafka().await else { return };
    let server = Arc::new(server);
    let address = format!("kafka://127.0.0.1:{}", server.port());
    let (metrics, background) = (EventMetrics::default(), Background::default());
    let clicks: Arc<dyn Clicks> = Arc::new(ClickService::new(Arc::new(MemoryClickStore::default())));
    let tallying = Arc::new(Tallying::new(Arc::clone(&clicks)));
    // Both exist before the broker is ready, which takes some seconds.
    let group = Group::new::<Follows>("tallying", tallying, &metrics);
    let published_events = metrics.published("clicks");
    let kafka = KafkaPublisher::new(&address, "clicks", [group.id()], published_events).unwrap();
    let consumer = KafkaConsumer::start(&address, group, &background).unwrap();
    let topic_is_there = kafka.check();
    eventually("Kafka is up", async || {
        (consumer.check().passes().await && topic_is_there.passes().await).then_some(())
    })
    .await;
    let publisher = TopicPublisher::<Follows>::new(Arc::new(kafka));

    let link = new_link_id();
    let mut restarting = None;
    for number in 1..=CLICKS {
        // Publishes the same event until it is acknowledged; an event that was stored without an
        // acknowledgement comes twice.
        let event = Event::new(u128::from(number), link, Clicked { link });
        eventually("a click is acknowledged", async || publisher.publish(event.clone()).await.ok()).await;
        if number == CLICKS / 3 {
            restarting = Some(restart(&server));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    restarting.unwrap().await.unwrap();
    let counted = async || clicks.count(link).await.unwrap().clicks;
    eventually("every click is counted", async || (counted().await >= CLICKS).then_some(())).await;
    // Any duplicate has arrived by now: the lag has been zero for a while.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(counted().await, CLICKS);
    background.stop().await;
}

#[tokio::test]
async fn a_server_is_removed_when_its_test_panics() {
    let Some(server) = Server::redis(&[]).await else { return };
    let published = format!("publish={}", server.port());
    let left = || docker(&["ps", "--all", "--quiet", "--filter", &published]).unwrap();
    assert_ne!(left(), "");
    let test = tokio::spawn(async move {
        let _server = server;
        panic!("on purpose");
    });
    assert!(test.await.unwrap_err().is_panic());
    assert_eq!(left(), "");
}
