//! Broadcasts through Redis and Kafka: every process that listens receives an event, at most once, and listeners are
//! notified of gaps. (`in_process` in `backing` has the tests within a process.)

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use backing::{
    ANSWER_WITHIN, Background, Broadcast, BroadcastMetrics, Channel, Check, Event, KafkaBroadcast, Listener,
    PublishError, Received, Redis, RedisBroadcast,
};
use contract::{Unavailable, Why};
use prometheus_client::registry::Registry;
use rdkafka::mocking::MockCluster;
use shortener::{Clicked, LinkId};
use shortener_app::topics::Follows;
use system_tests::redis_server::RedisServer;
use tokio::time::timeout;

/// The patience for a busy machine.
const RECEIVED_WITHIN: Duration = Duration::from_secs(30);
/// The time in which nothing must arrive.
const SILENT_FOR: Duration = Duration::from_millis(500);
const BROKER: i32 = 1;

/// One process that broadcasts and listens.
struct Process {
    channel: Channel<Follows>,
    receives: Check,
    background: Background,
}

impl Process {
    fn of(broadcast: impl Broadcast + 'static, background: Background) -> Self {
        let receives = broadcast.check();
        Self { channel: Channel::new(Arc::new(broadcast)), receives, background }
    }

    async fn with_redis(address: &str) -> Self {
        let (mut registry, background) = (Registry::default(), Background::default());
        let redis = Redis::open(address, "cache", ANSWER_WITHIN, &mut registry, &background).await.unwrap();
        let metrics = BroadcastMetrics::default();
        Self::of(RedisBroadcast::start(redis, "clicks", &metrics, &background), background)
    }

    fn with_kafka(address: &str) -> Self {
        let background = Background::default();
        let metrics = BroadcastMetrics::default();
        Self::of(KafkaBroadcast::start(address, "clicks", &metrics, &background).unwrap(), background)
    }

    /// Starts to listen when the process receives what others send.
    async fn listens(&self) -> Listener<Follows> {
        eventually("it listens", async || self.receives.passes().await.then_some(())).await;
        self.channel.listen()
    }

    async fn send(&self, id: u128, key: &str) -> Result<(), PublishError> {
        self.channel.send(click(id, key)).await
    }
}

fn click(id: u128, key: &str) -> Event<Clicked> {
    Event::new(id, key, Clicked { link: LinkId(id) })
}

async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + RECEIVED_WITHIN;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {RECEIVED_WITHIN:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn next(listener: &mut Listener<Follows>) -> Received<Clicked> {
    timeout(RECEIVED_WITHIN, listener.next()).await.expect("something is received")
}

/// The ids of the next events, each of the key `order`, with no gap between them.
async fn events(listener: &mut Listener<Follows>, count: usize) -> Vec<u128> {
    let mut ids = Vec::new();
    while ids.len() < count {
        match next(listener).await {
            Received::Event(event) => {
                assert_eq!((event.key.as_str(), event.payload.link), ("order", LinkId(event.id)));
                ids.push(event.id);
            }
            Received::Gap => panic!("a gap after {ids:?}"),
        }
    }
    ids
}

async fn is_silent(listener: &mut Listener<Follows>) {
    let received = timeout(SILENT_FOR, listener.next()).await;
    assert!(received.is_err(), "{received:?}");
}

async fn reaches_whoever_listens(processes: [Process; 2]) {
    let [one, other] = &processes;
    let mut at_one = one.listens().await;
    let mut at_other = other.listens().await;
    for id in 0..100 {
        one.send(id, "order").await.unwrap();
    }
    let expected: Vec<u128> = (0..100).collect();
    assert_eq!(events(&mut at_one, 100).await, expected, "its own as well, in order");
    assert_eq!(events(&mut at_other, 100).await, expected);
    let mut late = other.listens().await;
    other.send(100, "order").await.unwrap();
    assert_eq!(events(&mut late, 1).await, [100], "nothing of what was sent before");
    for listener in [&mut at_one, &mut at_other] {
        assert_eq!(events(listener, 1).await, [100]);
        is_silent(listener).await;
    }
    for process in processes {
        process.background.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_redis_every_process_receives_each_event_once_and_in_order() {
    let Some(server) = RedisServer::start().await else { return };
    let address = server.address();
    reaches_whoever_listens([Process::with_redis(&address).await, Process::with_redis(&address).await]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_kafka_every_process_receives_each_event_once_and_in_order() {
    let cluster = MockCluster::new(1).unwrap();
    let address = format!("kafka://{}", cluster.bootstrap_servers());
    reaches_whoever_listens([Process::with_kafka(&address), Process::with_kafka(&address)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_of_redis_processes_receive_each_others_events_again_and_are_notified_of_the_gap() {
    let Some(server) = RedisServer::start().await else { return };
    let (one, other) =
        (Process::with_redis(&server.address()).await, Process::with_redis(&server.address()).await);
    let (mut at_one, mut at_other) = (one.listens().await, other.listens().await);
    one.send(1, "order").await.unwrap();
    assert_eq!((events(&mut at_one, 1).await, events(&mut at_other, 1).await), (vec![1], vec![1]));

    server.kill().await;
    eventually("it is noticed", async || (!other.receives.passes().await).then_some(())).await;
    let refused = eventually("nothing is sent", async || one.send(2, "order").await.err()).await;
    assert!(matches!(Unavailable::from(refused).why, Why::Unreachable | Why::TimedOut));
    server.start_again().await;
    for listener in [&mut at_one, &mut at_other] {
        assert_eq!(next(listener).await, Received::Gap, "what was sent meanwhile is lost");
    }
    let (_, _) = (one.listens().await, other.listens().await);
    eventually("it can be sent again", async || one.send(3, "order").await.ok()).await;
    for listener in [&mut at_one, &mut at_other] {
        assert_eq!(events(listener, 1).await, [3], "both receive it");
    }
    one.background.stop().await;
    other.background.stop().await;
}

/// A process that only receives sends no command that would find its connection lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_sends_nothing_finds_a_redis_that_was_restarted() {
    let Some(server) = RedisServer::start().await else { return };
    let (mut registry, background) = (Registry::default(), Background::default());
    let address = server.address();
    let redis = Redis::open(&address, "fanout", ANSWER_WITHIN, &mut registry, &background).await.unwrap();
    let check = redis.check("fanout");
    eventually("it is there", async || check.passes().await.then_some(())).await;
    server.kill().await;
    eventually("it is noticed", async || (!check.passes().await).then_some(())).await;
    server.start_again().await;
    eventually("it is there again", async || check.passes().await.then_some(())).await;
    background.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_redis_is_noticed_although_its_connection_lasts() {
    let Some(server) = RedisServer::start().await else { return };
    let process = Process::with_redis(&server.address()).await;
    let mut listener = process.listens().await;
    server.freeze().await;
    eventually("it is noticed", async || (!process.receives.passes().await).then_some(())).await;
    server.thaw().await;
    assert_eq!(next(&mut listener).await, Received::Gap);
    process.listens().await;
    eventually("it can be sent again", async || process.send(1, "order").await.ok()).await;
    assert_eq!(events(&mut listener, 1).await, [1]);
    process.background.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_listens_as_soon_as_its_broker_is_available_and_notices_when_it_is_gone() {
    let cluster = MockCluster::new(1).unwrap();
    let address = format!("kafka://{}", cluster.bootstrap_servers());
    cluster.broker_down(BROKER).unwrap();
    let process = Process::with_kafka(&address);
    let mut early = process.channel.listen();
    assert!(!process.receives.passes().await);
    let refused = process.send(1, "order").await.unwrap_err();
    assert_eq!(Unavailable::from(refused), Unavailable::new("kafka", Why::TimedOut));
    cluster.broker_up(BROKER).unwrap();
    let mut listener = process.listens().await;
    assert_eq!(next(&mut early).await, Received::Gap, "whoever listened before may have missed something");
    eventually("it can be sent", async || process.send(2, "order").await.ok()).await;
    assert_eq!(events(&mut listener, 1).await, [2]);
    cluster.broker_down(BROKER).unwrap();
    assert!(!process.receives.passes().await, "it is noticed");
    cluster.broker_up(BROKER).unwrap();
    eventually("it can be sent again", async || process.send(3, "order").await.ok()).await;
    assert_eq!(events(&mut listener, 1).await, [3]);
    process.background.stop().await;
}
