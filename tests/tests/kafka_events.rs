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
    Background, Batching, Check, DeadLetters, Event, EventMetrics, Group, KafkaConsumer, KafkaPublisher,
    Subscriber, TopicPublisher,
};
use contract::{Unavailable, Why};
use prometheus_client::{encoding::text::encode, registry::Registry};
use rdkafka::{
    ClientConfig, Message,
    consumer::{BaseConsumer, Consumer},
    message::{Header, Headers, OwnedHeaders},
    mocking::MockCluster,
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};
use shortener::{Clicked, LinkId};
use shortener_app::topics::Follows;
use system_tests::clock::Clock;

/// How long events may take: a consumer group alone takes three seconds to form.
const ARRIVED_WITHIN: Duration = Duration::from_secs(30);
const TOPIC: &str = "clicks";
const BROKER: i32 = 1;

/// An owner of events: never takes those whose key is `poison`, and none at all while it is away.
#[derive(Default)]
struct Owner {
    taken: Mutex<Vec<Event<Clicked>>>,
    is_away: AtomicBool,
    /// It takes poison as well.
    is_mended: AtomicBool,
}

#[async_trait]
impl Subscriber<Follows> for Owner {
    async fn receive(&self, events: &[Event<Clicked>], _: Batching) -> Result<(), Unavailable> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(Unavailable::new("owner", Why::Unreachable));
        }
        let has = |key: &str| events.iter().any(|event| event.key == key);
        if !self.is_mended.load(Ordering::SeqCst) {
            if has("poison") {
                return Err(Unavailable::new("owner", Why::Misunderstood));
            }
            if has("breaks") {
                return Err(Unavailable::new("owner", Why::Broken));
            }
            assert!(!has("panics"), "on purpose");
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

/// A follow of the link that a test calls by this number.
fn click(id: u128, key: &str) -> Event<Clicked> {
    Event::new(id, key, Clicked { link: LinkId(id) })
}

/// A publisher, and a consumer for each of two owners.
struct Process {
    publisher: TopicPublisher<Follows>,
    published_to: Check,
    follows: Check,
    dead: Arc<dyn DeadLetters>,
    owner: Arc<Owner>,
    other: Arc<Owner>,
    registry: Registry,
    background: Background,
}

impl Process {
    fn start(address: &str) -> Self {
        let (mut registry, background) = (Registry::default(), Background::default());
        let metrics = EventMetrics::register(&mut registry);
        let (owner, other) = (Arc::new(Owner::default()), Arc::new(Owner::default()));
        let group = |name, owner: &Arc<Owner>| {
            Group::new::<Follows>(name, Arc::clone(owner) as Arc<dyn Subscriber<_>>, &metrics)
        };
        let groups = [group("tallying", &owner), group("watching", &other)];
        let ids = groups.iter().map(Group::id);
        let publisher = KafkaPublisher::new(address, TOPIC, ids, metrics.published(TOPIC)).unwrap();
        let published_to = publisher.check();
        let [consumer, of_other] =
            groups.map(|group| KafkaConsumer::start(address, group, &background).unwrap());
        let both = [consumer.check(), of_other.check()];
        let follows = Check::new("both".to_owned(), move || {
            let both = both.clone();
            async move { both[0].passes().await && both[1].passes().await }
        });
        let (dead, publisher) = (consumer.dead_letters(), TopicPublisher::new(Arc::new(publisher)));
        Self { publisher, published_to, follows, dead, owner, other, registry, background }
    }

    async fn publish(&self, id: u128, key: &str) {
        self.publisher.publish(click(id, key)).await.unwrap();
    }

    async fn is_ready(&self) {
        let ready = async || self.follows.passes().await && self.published_to.passes().await;
        eventually("the topic is there", ready).await;
    }

    /// Waits until the owner has taken these events, and no others.
    async fn has_taken(&self, ids: impl IntoIterator<Item = u128>) {
        let expected: BTreeSet<_> = ids.into_iter().collect();
        eventually("the events arrive", async || self.owner.ids() == expected).await;
    }

    /// A metric of the owner's group.
    fn metric(&self, name: &str) -> f64 {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        let line = format!("{name}{{topic=\"clicks\",group=\"tallying\"}} ");
        let value = text.lines().find_map(|found| found.strip_prefix(&line)?.parse().ok());
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

/// Sends messages that no publisher of ours sends.
struct Stranger(ThreadedProducer<DefaultProducerContext>);

impl Stranger {
    fn new(address: &str) -> Self {
        Self(plain(address).create().unwrap())
    }

    fn sends(&self, key: &str, headers: OwnedHeaders, payload: &[u8]) {
        self.sends_to(TOPIC, key, headers, payload);
    }

    fn sends_to(&self, topic: &str, key: &str, headers: OwnedHeaders, payload: &[u8]) {
        let record = BaseRecord::<str, [u8]>::to(topic).key(key).payload(payload).headers(headers);
        self.0.send(record).unwrap();
        self.0.flush(Duration::from_secs(5)).unwrap();
    }

    /// What says that it is an event of this type.
    fn headers(id: u128, type_name: &str) -> OwnedHeaders {
        OwnedHeaders::new()
            .insert(Header { key: "event-id", value: Some(&id.to_be_bytes()) })
            .insert(Header { key: "event-type", value: Some(type_name) })
    }
}

/// The topic of dead letters, as anybody reads it: each with its key, the reason and where it was.
fn dead_letters(address: &str, count: usize) -> Vec<(Option<String>, String, String)> {
    let consumer: BaseConsumer =
        plain(address).set("group.id", "reader").set("auto.offset.reset", "earliest").create().unwrap();
    consumer.subscribe(&["clicks.tallying.dead"]).unwrap();
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
    let stranger = Stranger::new(&address);
    for id in 1..=20 {
        process.publish(id, if id == 7 { "poison" } else { "sound" }).await;
        if id == 10 {
            stranger.sends("no event", OwnedHeaders::new(), b"?");
            stranger.sends("no type", Stranger::headers(101, "lab.shortener.v2.Clicked"), b"?");
            stranger.sends("no payload", Stranger::headers(102, "lab.shortener.v1.Clicked"), b"\xff");
            stranger.sends("no link", Stranger::headers(103, "lab.shortener.v1.Clicked"), b"");
        }
    }
    process.has_taken((1..=20).filter(|id| *id != 7)).await;
    let read = address.clone();
    let letters = tokio::task::spawn_blocking(move || dead_letters(&read, 5)).await.unwrap();
    let reason = |key: &str| {
        let letter = letters.iter().find(|letter| letter.0.as_deref() == Some(key)).unwrap();
        letter.1.as_str()
    };
    assert_eq!(reason("no event"), "it has no event type that is a text");
    assert_eq!(
        reason("no type"),
        "its type is `lab.shortener.v2.Clicked`, and the topic carries `lab.shortener.v1.Clicked`"
    );
    assert!(
        reason("no payload").starts_with("its payload is not a `lab.shortener.v1.Clicked`: "),
        "{letters:?}"
    );
    assert_eq!(
        reason("no link"),
        "its payload is not a valid `lab.shortener.v1.Clicked`: `link_id`: a UUID is 16 bytes"
    );
    assert_eq!(reason("poison"), "`owner` and its caller do not understand each other");
    assert!(letters.iter().all(|letter| letter.2.starts_with("clicks/")), "{letters:?}");
    assert!((process.metric("events_dead_total") - 5.0).abs() < 0.1);
    assert!((process.metric("events_received_total") - 19.0).abs() < 0.1);
    process.background.stop().await;
}

/// Writes a dead letter once more, as the next member does whose predecessor left before its offsets were committed.
async fn is_written_again(address: &str, key: &'static str) {
    let address = address.to_owned();
    let written = move || {
        let letters = dead_letters(&address, 3);
        let (_, reason, from) = letters.into_iter().find(|letter| letter.0.as_deref() == Some(key)).unwrap();
        let headers = Stranger::headers(2, "lab.shortener.v1.Clicked")
            .insert(Header { key: "dead-reason", value: Some(&reason) })
            .insert(Header { key: "dead-from", value: Some(&from) });
        Stranger::new(&address).sends_to("clicks.tallying.dead", key, headers, b"the same");
    };
    tokio::task::spawn_blocking(written).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_fails_for_ever_holds_nothing_up_and_its_events_are_replayed_when_it_is_mended() {
    let (_cluster, address) = broker();
    let process = Process::start(&address);
    process.is_ready().await;
    process.other.is_mended.store(true, Ordering::SeqCst);
    assert_eq!(process.dead.list(10).await, Ok(Vec::new()), "there is no topic of them yet");
    for (id, key) in [(1, "sound"), (2, "breaks"), (3, "panics"), (4, "sound"), (5, "poison"), (6, "sound")] {
        process.publish(id, key).await;
    }
    process.has_taken([1, 4, 6]).await;
    eventually("the others are dead", async || {
        process.dead.list(10).await.is_ok_and(|letters| letters.len() == 3)
    })
    .await;
    assert_eq!(process.dead.list(2).await.unwrap().len(), 2, "no more than are asked for");
    let letters = process.dead.list(10).await.unwrap();
    let breaks = letters.iter().find(|letter| letter.key.as_deref() == Some("breaks")).unwrap();
    assert_eq!((breaks.topic.as_str(), breaks.group.as_str()), ("clicks", "tallying"));
    assert_eq!(breaks.id.as_deref(), Some("00000000000000000000000000000002"));
    assert_eq!(breaks.type_name.as_deref(), Some("lab.shortener.v1.Clicked"));
    assert_eq!(breaks.reason, "`owner` failed inside");
    assert!(breaks.published.is_some() && breaks.bytes == 18, "{breaks:?}");
    eventually("the other group has them all", async || process.other.ids() == (1..=6).collect()).await;
    is_written_again(&address, "breaks").await;
    assert_eq!(process.dead.list(10).await.unwrap(), letters, "a message is one dead letter");

    assert_eq!(process.dead.replay().await, Ok(3));
    eventually("they are dead again", async || {
        process.dead.list(10).await.is_ok_and(|letters| letters.len() == 3)
    })
    .await;
    process.owner.is_mended.store(true, Ordering::SeqCst);
    assert_eq!(process.dead.replay().await, Ok(3));
    process.has_taken(1..=6).await;
    assert_eq!((process.dead.list(10).await, process.dead.replay().await), (Ok(Vec::new()), Ok(0)));
    process.background.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_owner_is_away_events_wait_and_the_lag_says_how_many() {
    let (_cluster, address) = broker();
    let process = Process::start(&address);
    process.is_ready().await;
    process.publish(1, "first").await;
    process.has_taken([1]).await;
    let lag = || process.metric("consumer_lag");
    eventually("nothing is left to take", async || lag() < 0.5).await;
    process.owner.is_away.store(true, Ordering::SeqCst);
    for id in 2..=31 {
        process.publish(id, "later").await;
    }
    eventually("all of them wait", async || lag() > 29.5).await;
    // The other group may be some events behind.
    eventually("and whoever publishes knows it of the whole group", async || {
        process.publisher.pending().await == Ok(30)
    })
    .await;
    assert_eq!(process.other.ids(), (1..=31).collect(), "nobody else waits");
    process.owner.is_away.store(false, Ordering::SeqCst);
    process.has_taken(1..=31).await;
    eventually("nothing is left to take", async || lag() < 0.5).await;
    eventually("nothing is on its way", async || process.publisher.pending().await == Ok(0)).await;
    assert!(process.metric("events_dead_total") < 0.5, "who is away has rejected nothing");
    process.background.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_carries_the_trace_that_it_was_published_in() {
    let (_cluster, address) = broker();
    let process = Process::start(&address);
    process.is_ready().await;
    let trace = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    let mut traced = click(1, "traced");
    traced.headers.trace = trace.clone();
    process.publisher.publish(traced.clone()).await.unwrap();
    process.publish(2, "untraced").await;
    process.has_taken([1, 2]).await;
    let mut taken = process.owner.taken.lock().unwrap().clone();
    taken.sort_by_key(|event| event.id);
    assert_eq!(taken[0], traced, "and everything else that it was published with");
    assert_eq!((&taken[0].headers.trace, &taken[1].headers.trace), (&trace, &None));
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
        let refused = process.publisher.publish(click(1, "early")).await;
        assert_eq!(refused.map_err(Unavailable::from), Err(Unavailable::new("kafka", Why::TimedOut)));
        assert!(clock.since(asked) < Duration::from_secs(3), "{:?}", clock.since(asked));
    }
    assert!(!process.follows.passes().await && !process.published_to.passes().await);
    cluster.broker_up(BROKER).unwrap();
    process.is_ready().await;
    eventually("events go out", async || process.publisher.publish(click(2, "in time")).await.is_ok()).await;
    process.has_taken([2]).await;
    cluster.broker_down(BROKER).unwrap();
    assert!(!process.published_to.passes().await, "it says when the broker is gone again");
    assert!(process.publisher.pending().await.is_err(), "and that it does not know what is on its way");
    eventually("and so does the consumer", async || !process.follows.passes().await).await;
    cluster.broker_up(BROKER).unwrap();
    process.is_ready().await;
    eventually("events go out again", async || process.publisher.publish(click(3, "after")).await.is_ok())
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
