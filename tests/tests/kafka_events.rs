//! Events through Kafka's protocol, with a broker that is embedded: dead letters, lag, traces, a broker that is late.
//!
//! What needs a broker that keeps what it has over a restart is in the suite `containers`.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use backing::{
    Background, Batching, Check, Event, EventMetrics, KafkaConsumer, KafkaPublisher, Publisher, Subscriber,
};
use contract::{Unavailable, Why};
use prometheus_client::{encoding::text::encode, registry::Registry};
use rdkafka::{
    ClientConfig, Message,
    consumer::{BaseConsumer, Consumer},
    message::Headers,
    mocking::MockCluster,
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};
use system_tests::clock::Clock;

/// How long events may take: a consumer group alone takes three seconds to form.
const ARRIVED_WITHIN: Duration = Duration::from_secs(30);
const TOPIC: &str = "clicks";
const BROKER: i32 = 1;

/// An owner of events: never takes those whose key is `poison`, and none at all while it is away.
#[derive(Default)]
struct Owner {
    taken: Mutex<Vec<Event>>,
    is_away: AtomicBool,
}

#[async_trait]
impl Subscriber for Owner {
    async fn receive(&self, events: &[Event], _: Batching) -> Result<(), Unavailable> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(Unavailable::new("owner", Why::Unreachable));
        }
        if events.iter().any(|event| event.key == "poison") {
            return Err(Unavailable::new("owner", Why::Misunderstood));
        }
        self.taken.lock().unwrap().extend_from_slice(events);
        Ok(())
    }
}

impl Owner {
    fn ids(&self) -> BTreeSet<u128> {
        self.taken.lock().unwrap().iter().map(|event| event.id).collect()
    }
}

/// A publisher, and a consumer for an owner.
struct Process {
    publisher: KafkaPublisher,
    follows: Check,
    owner: Arc<Owner>,
    registry: Registry,
    background: Background,
}

impl Process {
    fn start(address: &str) -> Self {
        let (mut registry, background) = (Registry::default(), Background::default());
        let metrics = EventMetrics::register(&mut registry, TOPIC);
        let owner = Arc::new(Owner::default());
        let subscriber = Arc::clone(&owner) as Arc<dyn Subscriber>;
        let publisher = KafkaPublisher::new(address, TOPIC, metrics.clone()).unwrap();
        let consumer =
            KafkaConsumer::start(address, TOPIC, subscriber, metrics, &mut registry, &background).unwrap();
        Self { publisher, follows: consumer.check(), owner, registry, background }
    }

    async fn publish(&self, id: u128, key: &str) {
        self.publisher.publish(Event::new(id, key)).await.unwrap();
    }

    async fn is_ready(&self) {
        let ready = async || self.follows.passes().await && self.publisher.check().passes().await;
        eventually("the topic is there", ready).await;
    }

    /// Waits until the owner has taken these events, and no others.
    async fn has_taken(&self, ids: impl IntoIterator<Item = u128>) {
        let expected: BTreeSet<_> = ids.into_iter().collect();
        eventually("the events arrive", async || self.owner.ids() == expected).await;
    }

    fn metric(&self, line: &str) -> f64 {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        let value = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_else(|| panic!("no `{line}` in\n{text}"))
    }
}

async fn eventually(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + ARRIVED_WITHIN;
    while !look().await {
        assert!(Instant::now() < deadline, "not within {ARRIVED_WITHIN:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn broker() -> (MockCluster<'static, DefaultProducerContext>, String) {
    let cluster = MockCluster::new(1).unwrap();
    let address = format!("kafka://{}", cluster.bootstrap_servers());
    (cluster, address)
}

fn plain(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address.trim_start_matches("kafka://"));
    config
}

/// The dead letters, each with the reason and where it was.
fn dead_letters(address: &str, count: usize) -> Vec<(Option<String>, String, String)> {
    let consumer: BaseConsumer =
        plain(address).set("group.id", "reader").set("auto.offset.reset", "earliest").create().unwrap();
    consumer.subscribe(&["clicks-dead"]).unwrap();
    let (mut found, deadline) = (Vec::new(), Instant::now() + ARRIVED_WITHIN);
    while found.len() < count {
        assert!(Instant::now() < deadline, "only {found:?}");
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
        let header = |name: &str| {
            let value = message.headers().unwrap().iter().find(|header| header.key == name).unwrap().value;
            String::from_utf8(value.unwrap().to_vec()).unwrap()
        };
        let key = message.key().map(|key| String::from_utf8(key.to_vec()).unwrap());
        found.push((key, header("dead-reason"), header("dead-from")));
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_never_have_an_effect_is_kept_apart_with_its_reason_and_holds_nothing_up() {
    let (_cluster, address) = broker();
    let process = Process::start(&address);
    process.is_ready().await;
    let stranger: ThreadedProducer<DefaultProducerContext> = plain(&address).create().unwrap();
    for id in 1..=20 {
        process.publish(id, if id == 7 { "poison" } else { "sound" }).await;
        if id == 10 {
            stranger.send(BaseRecord::<str, str>::to(TOPIC).key("no event").payload("?")).unwrap();
            stranger.flush(Duration::from_secs(5)).unwrap();
        }
    }
    process.has_taken((1..=20).filter(|id| *id != 7)).await;
    let read = address.clone();
    let letters = tokio::task::spawn_blocking(move || dead_letters(&read, 2)).await.unwrap();
    let reason = |key: &str| letters.iter().find(|letter| letter.0.as_deref() == Some(key)).unwrap();
    assert_eq!(reason("no event").1, "it has no event id of 16 bytes");
    assert_eq!(reason("poison").1, "`owner` and its caller do not understand each other");
    assert!(letters.iter().all(|letter| letter.2.starts_with("clicks/")), "{letters:?}");
    assert!((process.metric("events_dead_total{topic=\"clicks\"}") - 2.0).abs() < 0.1);
    assert!((process.metric("events_received_total{topic=\"clicks\"}") - 19.0).abs() < 0.1);
    process.background.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_owner_is_away_events_wait_and_the_lag_says_how_many() {
    let (_cluster, address) = broker();
    let process = Process::start(&address);
    process.is_ready().await;
    process.publish(1, "first").await;
    process.has_taken([1]).await;
    let lag = || process.metric("consumer_lag{topic=\"clicks\"}");
    eventually("nothing is left to take", async || lag() < 0.5).await;
    process.owner.is_away.store(true, Ordering::SeqCst);
    for id in 2..=31 {
        process.publish(id, "later").await;
    }
    eventually("all of them wait", async || lag() > 29.5).await;
    assert_eq!(
        process.publisher.pending().await,
        Ok(30),
        "and whoever publishes knows it of the whole group"
    );
    process.owner.is_away.store(false, Ordering::SeqCst);
    process.has_taken(1..=31).await;
    eventually("nothing is left to take", async || lag() < 0.5).await;
    eventually("nothing is on its way", async || process.publisher.pending().await == Ok(0)).await;
    assert!(process.metric("events_dead_total{topic=\"clicks\"}") < 0.5, "who is away has rejected nothing");
    process.background.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_carries_the_trace_that_it_was_published_in() {
    let (_cluster, address) = broker();
    let process = Process::start(&address);
    process.is_ready().await;
    let trace = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    process.publisher.publish(Event { trace: trace.clone(), ..Event::new(1, "traced") }).await.unwrap();
    process.publish(2, "untraced").await;
    process.has_taken([1, 2]).await;
    let mut taken = process.owner.taken.lock().unwrap().clone();
    taken.sort_by_key(|event| event.id);
    assert_eq!((&taken[0].trace, &taken[1].trace), (&trace, &None));
    process.background.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_without_its_broker_refuses_in_time_and_serves_when_the_broker_comes() {
    let (cluster, address) = broker();
    cluster.broker_down(BROKER).unwrap();
    let process = Process::start(&address);
    let clock = Clock::start();
    for _ in 0..2 {
        let asked = clock.now();
        let refused = process.publisher.publish(Event::new(1, "early")).await;
        assert_eq!(refused, Err(Unavailable::new("kafka", Why::TimedOut)));
        assert!(clock.since(asked) < Duration::from_secs(3), "{:?}", clock.since(asked));
    }
    assert!(!process.follows.passes().await && !process.publisher.check().passes().await);
    cluster.broker_up(BROKER).unwrap();
    process.is_ready().await;
    eventually("events go out", async || process.publisher.publish(Event::new(2, "in time")).await.is_ok())
        .await;
    process.has_taken([2]).await;
    cluster.broker_down(BROKER).unwrap();
    assert!(!process.publisher.check().passes().await, "it says when the broker is gone again");
    assert!(process.publisher.pending().await.is_err(), "and that it does not know what is on its way");
    eventually("and so does the consumer", async || !process.follows.passes().await).await;
    cluster.broker_up(BROKER).unwrap();
    process.is_ready().await;
    eventually("events go out again", async || {
        process.publisher.publish(Event::new(3, "after")).await.is_ok()
    })
    .await;
    process.has_taken([2, 3]).await;
    process.background.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_waits_for_its_broker_stops_when_it_is_told_to() {
    let (cluster, address) = broker();
    cluster.broker_down(BROKER).unwrap();
    let process = Process::start(&address);
    let stopped = tokio::time::timeout(Duration::from_secs(5), process.background.stop()).await;
    assert!(stopped.is_ok(), "it hangs");
}
