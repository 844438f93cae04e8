//! Receives a topic as a member of a consumer group.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use contract::Why;
use futures::FutureExt;
use prometheus_client::registry::Registry;
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer, StreamConsumer},
    error::KafkaError,
    message::BorrowedMessage,
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{client, dead::DeadLetters, lag::Lag, parse, topic::Topic};
use crate::{
    Background, Check,
    events::{Batching, EventMetrics, Subscriber},
    waiting::ThrottledLog,
};

/// Events whose effect is taken together.
const BATCH: usize = 1_000;
/// The pause before what failed is tried again.
const PAUSE: Duration = Duration::from_millis(200);
/// A member that is not heard of for so long is dead, and others take its partitions: a killed one says no goodbye.
/// The least that brokers accept by default (`group.min.session.timeout.ms`); librdkafka's own default is 45 s.
const SESSION: Duration = Duration::from_secs(6);
/// How often a member is heard of: a third of the session, as Kafka's documentation has it.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long leaving the group may take: the broker answers within milliseconds, or not at all.
const LEFT_WITHIN: Duration = Duration::from_secs(2);

/// Receives a topic as a member of a consumer group.
pub struct KafkaConsumer {
    topic: &'static str,
    follows: Arc<AtomicBool>,
    answers: Arc<AtomicBool>,
}

impl KafkaConsumer {
    /// Starts to receive in the background, for this subscriber; the broker need not be there yet.
    pub fn start(
        address: &str,
        topic: &'static str,
        subscriber: Arc<dyn Subscriber>,
        metrics: EventMetrics,
        registry: &mut Registry,
        background: &Background,
    ) -> Result<Self, KafkaError> {
        let lag = Lag::register(registry, address, topic)?;
        let answers = lag.answers();
        let consumer: StreamConsumer = client(address)
            .set("group.id", topic)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("session.timeout.ms", SESSION.as_millis().to_string())
            .set("heartbeat.interval.ms", HEARTBEAT.as_millis().to_string())
            .create()?;
        let consumer = Arc::new(consumer);
        let dead = DeadLetters::new(address, topic);
        let receiver = Receiver { topic, consumer, subscriber, metrics, dead };
        let follows = Arc::new(AtomicBool::new(false));
        let (topic_there, noted) = (Topic::new(address, topic), Arc::clone(&follows));
        background.start(|stop| async move {
            if stop.run_until_cancelled(see_to(topic, &topic_there)).await.is_none() {
                return;
            }
            drop(topic_there);
            match receiver.consumer.subscribe(&[topic]) {
                Ok(()) => noted.store(true, Ordering::Relaxed),
                Err(error) => tracing::error!(%error, topic, "the topic cannot be followed"),
            }
            tokio::join!(receiver.receive(&stop), lag.watch(&receiver.consumer, &stop));
            leave(receiver.consumer).await;
        });
        Ok(Self { topic, follows, answers })
    }

    /// Whether it follows the topic, and the broker answers.
    pub fn check(&self) -> Check {
        let (follows, answers) = (Arc::clone(&self.follows), Arc::clone(&self.answers));
        Check::new(format!("events/{}/consumer", self.topic), move || {
            let both = follows.load(Ordering::Relaxed) && answers.load(Ordering::Relaxed);
            async move { both }
        })
    }
}

/// Sees to it that the topic is there: a group that forms before it would not see it for minutes.
async fn see_to(name: &str, topic: &Topic) {
    let mut log = ThrottledLog::default();
    loop {
        if let Err(error) = topic.make().await {
            log.waiting_for(&format!("the topic `{name}`"), &error);
        }
        if topic.is_there().await {
            return;
        }
        sleep(PAUSE).await;
    }
}

struct Receiver {
    topic: &'static str,
    consumer: Arc<StreamConsumer>,
    subscriber: Arc<dyn Subscriber>,
    metrics: EventMetrics,
    dead: DeadLetters,
}

/// Nobody waits for the effect any more: the process ends, and the events come again to another.
struct Stopped;

/// What came while a batch was held up: partitions may come to this process in the middle of it.
#[derive(Default)]
struct Early<'a>(Vec<BorrowedMessage<'a>>);

impl Receiver {
    async fn receive(&self, stop: &CancellationToken) {
        let mut early = Early::default();
        while let Some(messages) = stop.run_until_cancelled(self.next(&mut early)).await {
            if self.settle(&messages, &mut early, stop).await.is_err() {
                return;
            }
            self.commit(&messages);
        }
    }

    /// The next batch: what is there already, or else what comes first and whatever came with it.
    async fn next<'a>(&'a self, early: &mut Early<'a>) -> Vec<BorrowedMessage<'a>> {
        let mut messages = std::mem::take(&mut early.0);
        while messages.is_empty() {
            match self.consumer.recv().await {
                Ok(first) => messages.push(first),
                Err(error) => tracing::warn!(%error, "nothing could be received"),
            }
        }
        while messages.len() < BATCH {
            let Some(Ok(message)) = self.consumer.recv().now_or_never() else { break };
            messages.push(message);
        }
        messages
    }

    /// Takes the effect of every message, or keeps it as a dead letter.
    async fn settle<'a>(
        &'a self,
        messages: &[BorrowedMessage<'a>],
        early: &mut Early<'a>,
        stop: &CancellationToken,
    ) -> Result<(), Stopped> {
        let (mut sound, mut events) =
            (Vec::with_capacity(messages.len()), Vec::with_capacity(messages.len()));
        for message in messages {
            match parse(message) {
                Ok(event) => {
                    sound.push(message);
                    events.push(event);
                }
                Err(lack) => self.bury(message, lack, early, stop).await?,
            }
        }
        // What the owner rejects for good is found by halving.
        let mut left: Vec<_> = std::iter::once(0..events.len()).collect();
        while let Some(part) = left.pop().filter(|part| !part.is_empty()) {
            match self.subscriber.receive(&events[part.clone()], Batching::Shifting).await {
                Ok(()) => {
                    self.metrics.received.inc_by(part.len() as u64);
                }
                Err(error) if error.why == Why::Misunderstood && part.len() == 1 => {
                    self.bury(sound[part.start], &error.to_string(), early, stop).await?;
                }
                Err(error) if error.why == Why::Misunderstood => {
                    let middle = part.start + part.len() / 2;
                    left.extend([middle..part.end, part.start..middle]);
                }
                Err(error) => {
                    tracing::warn!(%error, events = part.len(), "events come again");
                    self.hold(early, stop).await?;
                    left.push(part);
                }
            }
        }
        Ok(())
    }

    /// Keeps a message as a dead letter, however long the broker takes.
    async fn bury<'a>(
        &'a self,
        message: &BorrowedMessage<'a>,
        reason: &str,
        early: &mut Early<'a>,
        stop: &CancellationToken,
    ) -> Result<(), Stopped> {
        while let Err(error) = self.dead.keep(message, reason).await {
            tracing::warn!(%error, "a dead letter is tried again");
            self.hold(early, stop).await?;
        }
        tracing::error!(reason, partition = message.partition(), offset = message.offset(), "a dead letter");
        self.metrics.dead.inc();
        Ok(())
    }

    /// Waits a moment before the next try, and remains a member of the group meanwhile, whose lag is seen:
    /// a consumer that does not ask for messages is taken for dead.
    async fn hold<'a>(&'a self, early: &mut Early<'a>, stop: &CancellationToken) -> Result<(), Stopped> {
        let assigned = self.consumer.assignment().and_then(|held| self.consumer.pause(&held).map(|()| held));
        let asking = async {
            let over = Instant::now() + PAUSE;
            while early.0.len() < BATCH {
                match timeout_at(over, self.consumer.recv()).await {
                    Ok(Ok(message)) => early.0.push(message),
                    Ok(Err(error)) => tracing::debug!(%error, "nothing could be received"),
                    Err(_) => return,
                }
            }
            sleep_until(over).await;
        };
        let held = stop.run_until_cancelled(asking).await.ok_or(Stopped);
        if let Ok(assigned) = assigned {
            // From where it was: what had been fetched ahead is fetched again.
            let _ = self.consumer.resume(&assigned);
        }
        held
    }

    /// Every effect is taken: only now may the offsets move, and only beyond these messages.
    fn commit(&self, messages: &[BorrowedMessage<'_>]) {
        let mut offsets = TopicPartitionList::new();
        let mut next = BTreeMap::new();
        for message in messages {
            next.insert(message.partition(), message.offset() + 1);
        }
        for (partition, offset) in next {
            let _ = offsets.add_partition_offset(self.topic, partition, Offset::Offset(offset));
        }
        if let Err(error) = self.consumer.commit(&offsets, CommitMode::Async) {
            tracing::debug!(%error, "the offsets stay where they are");
        }
    }
}

/// Leaves the group, so that its other members need not wait for a time-out.
///
/// Dropping a consumer blocks its thread until the broker has answered, for ever if that is gone: so a thread of its
/// own does it, and this process goes on to its end.
async fn leave(consumer: Arc<StreamConsumer>) {
    let (left, has_left) = oneshot::channel();
    std::thread::spawn(move || {
        drop(consumer);
        let _ = left.send(());
    });
    if timeout(LEFT_WITHIN, has_left).await.is_err() {
        tracing::warn!("the group was left without the broker's word");
    }
}
