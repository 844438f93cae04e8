//! A consumer: a member of a consumer group.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::FutureExt;
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer, StreamConsumer},
    error::KafkaError,
    message::BorrowedMessage,
};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{
    client, close, dead_letters::DeadLetterTopic, lag::Lag, message::parse, replay::KafkaDeadLetters,
    topic::KafkaTopic,
};
use crate::{
    Background, Check,
    events::{
        dead_letters::DeadLetters,
        group::Group,
        processing::{self, Delivery, Patience, Stopped},
        subscriber::Batching,
    },
};

/// The largest batch, in messages and in bytes of payloads.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 16 << 20;
/// The pause before a dead letter is written again that the broker did not acknowledge.
const PAUSE: Duration = Duration::from_millis(200);
/// The session time-out: the group reassigns the partitions of a member that sends no heartbeat for this long, because it
/// was killed. The shortest that brokers accept by default (`group.min.session.timeout.ms`); librdkafka's own default is
/// 45 s.
const SESSION: Duration = Duration::from_secs(6);
/// The interval between heartbeats: a third of the session time-out, as Kafka's documentation recommends.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// A member of a consumer group.
pub struct KafkaConsumer {
    address: String,
    group: Group,
    subscribed: Arc<AtomicBool>,
    answers: Arc<AtomicBool>,
}

impl KafkaConsumer {
    /// Starts a consumer in the background. The broker at `kafka://HOST:PORT` need not be available yet.
    pub fn start(address: &str, group: Group, background: &Background) -> Result<Self, KafkaError> {
        let id = group.id();
        let lag = Lag::new(address, group.metrics.lag())?;
        let answers = lag.answers();
        let consumer: StreamConsumer = client(address)
            .set("group.id", &id)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("session.timeout.ms", SESSION.as_millis().to_string())
            .set("heartbeat.interval.ms", HEARTBEAT.as_millis().to_string())
            .create()?;
        let dead = DeadLetterTopic::new(address, &id);
        let member = Member { consumer: Arc::new(consumer), group: group.clone(), dead };
        let subscribed = Arc::new(AtomicBool::new(false));
        let (topic, noted) = (KafkaTopic::new(address, group.topic), Arc::clone(&subscribed));
        background.start(|stop| async move {
            // A consumer that subscribes before the topic exists does not see it for minutes.
            if stop.run_until_cancelled(topic.ensure()).await.is_none() {
                return;
            }
            match member.consumer.subscribe(&[member.group.topic]) {
                Ok(()) => noted.store(true, Ordering::Relaxed),
                Err(error) => tracing::error!(%error, group = id, "the topic cannot be subscribed to"),
            }
            tokio::join!(member.receive(&stop), lag.watch(&member.consumer, &stop));
            close(member.consumer).await;
        });
        Ok(Self { address: address.to_owned(), group, subscribed, answers })
    }

    /// Whether the consumer has subscribed to the topic, and the broker answers.
    pub fn check(&self) -> Check {
        let (subscribed, answers) = (Arc::clone(&self.subscribed), Arc::clone(&self.answers));
        Check::new(format!("events/{}/consumer", self.group.id()), move || {
            let both = subscribed.load(Ordering::Relaxed) && answers.load(Ordering::Relaxed);
            async move { both }
        })
    }

    /// The dead letters of the whole group.
    pub fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        Arc::new(KafkaDeadLetters::new(&self.address, &self.group))
    }
}

struct Member {
    consumer: Arc<StreamConsumer>,
    group: Group,
    dead: DeadLetterTopic,
}

/// Messages that were buffered during a rebalance: one that happens during a pause may assign further partitions to this
/// member, which are not paused. These messages start the next batch.
type Buffered<'m> = Vec<BorrowedMessage<'m>>;

impl Member {
    /// The consumer's loop: receive a batch, process it, commit its offsets.
    ///
    /// 1. `next` takes the messages that librdkafka has fetched ahead, on threads of its own. These threads also send the
    ///    heartbeats, so the member stays in the group however long a batch takes.
    /// 2. `process` has the subscriber process each message, or writes it to the dead-letter topic.
    /// 3. Only then `commit` moves the offsets beyond the batch. After a crash, a stop or a rebalance before the commit, the
    ///    batch is delivered again, here or to another member: at least once. The subscriber ignores events that it has
    ///    processed.
    ///
    /// While the subscriber or the dead-letter topic is unavailable, the loop waits in step 2, for hours if need be. But a
    /// consumer that does not poll for `max.poll.interval.ms` (5 minutes) is expelled from its group, and the rebalance
    /// gives its partitions to another member, for which the same events fail. So `pause` pauses the partitions and goes on
    /// polling.
    async fn receive(&self, stop: &CancellationToken) {
        let mut buffered = Buffered::new();
        while let Some(messages) = stop.run_until_cancelled(self.next(&mut buffered)).await {
            if self.process(&messages, &mut buffered, stop).await.is_err() {
                return;
            }
            self.commit(&messages);
        }
    }

    /// The next batch: waits for one message, and adds those that have been fetched already.
    async fn next<'m>(&'m self, buffered: &mut Buffered<'m>) -> Vec<BorrowedMessage<'m>> {
        let mut messages = std::mem::take(buffered);
        while messages.is_empty() {
            match self.consumer.recv().await {
                Ok(first) => messages.push(first),
                Err(error) => tracing::warn!(%error, "no message could be received"),
            }
        }
        let mut bytes: usize = messages.iter().map(payload_bytes).sum();
        while messages.len() < BATCH && bytes < BATCH_BYTES {
            let Some(Ok(message)) = self.consumer.recv().now_or_never() else { break };
            bytes += payload_bytes(&message);
            messages.push(message);
        }
        messages
    }

    /// Processes every message, or writes it to the dead-letter topic.
    async fn process<'m>(
        &'m self,
        messages: &[BorrowedMessage<'m>],
        buffered: &mut Buffered<'m>,
        stop: &CancellationToken,
    ) -> Result<(), Stopped> {
        let mut events = Vec::with_capacity(messages.len());
        let mut delivery = BatchDelivery { member: self, messages: Vec::new(), buffered, stop };
        for message in messages {
            match parse(message) {
                Ok(event) => {
                    events.push(event);
                    delivery.messages.push(message);
                }
                Err(lack) => {
                    delivery.write_dead_letter(message, lack).await?;
                    self.group.metrics.dead.inc();
                }
            }
        }
        let (group, patience) = (&self.group, Patience::ByReason);
        processing::process(group, &events, Batching::Shifting, patience, &mut delivery).await
    }

    /// Waits without leaving the group: pauses the assigned partitions, polls until the time is over, and resumes them.
    ///
    /// A poll returns nothing from a paused partition. It does return messages from partitions that a rebalance assigns
    /// during the pause; they are buffered, up to one batch. `resume` continues at the position of the pause, and
    /// librdkafka fetches again what it had fetched ahead.
    async fn pause<'m>(
        &'m self,
        pause: Duration,
        buffered: &mut Buffered<'m>,
        stop: &CancellationToken,
    ) -> Result<(), Stopped> {
        let paused = self.consumer.assignment().and_then(|held| self.consumer.pause(&held).map(|()| held));
        let polling = async {
            let over = Instant::now() + pause;
            while buffered.len() < BATCH {
                match timeout_at(over, self.consumer.recv()).await {
                    Ok(Ok(message)) => buffered.push(message),
                    Ok(Err(error)) => tracing::debug!(%error, "no message could be received"),
                    Err(_) => return,
                }
            }
            sleep_until(over).await;
        };
        let waited = stop.run_until_cancelled(polling).await.ok_or(Stopped);
        if let Ok(paused) = paused {
            let _ = self.consumer.resume(&paused);
        }
        waited
    }

    /// Commits the offsets after these messages, all of which are processed.
    fn commit(&self, messages: &[BorrowedMessage<'_>]) {
        let mut offsets = TopicPartitionList::new();
        let mut next = BTreeMap::new();
        for message in messages {
            next.insert(message.partition(), message.offset() + 1);
        }
        for (partition, offset) in next {
            let _ = offsets.add_partition_offset(self.group.topic, partition, Offset::Offset(offset));
        }
        if let Err(error) = self.consumer.commit(&offsets, CommitMode::Async) {
            tracing::debug!(%error, "the offsets are not committed");
        }
    }
}

fn payload_bytes(message: &BorrowedMessage<'_>) -> usize {
    message.payload().map_or(0, <[u8]>::len)
}

/// A batch while it is processed.
struct BatchDelivery<'b, 'm> {
    member: &'m Member,
    /// The message of each event.
    messages: Vec<&'b BorrowedMessage<'m>>,
    buffered: &'b mut Buffered<'m>,
    stop: &'b CancellationToken,
}

impl BatchDelivery<'_, '_> {
    /// Writes a message to the dead-letter topic, however long the broker takes.
    async fn write_dead_letter(
        &mut self,
        message: &BorrowedMessage<'_>,
        reason: &str,
    ) -> Result<(), Stopped> {
        while let Err(error) = self.member.dead.write(message, reason).await {
            tracing::warn!(%error, "writing a dead letter is retried");
            self.member.pause(PAUSE, self.buffered, self.stop).await?;
        }
        tracing::error!(
            reason,
            topic = self.member.group.topic,
            partition = message.partition(),
            offset = message.offset(),
            "a dead letter"
        );
        Ok(())
    }
}

#[async_trait]
impl Delivery for BatchDelivery<'_, '_> {
    async fn pause(&mut self, pause: Duration) -> Result<(), Stopped> {
        self.member.pause(pause, self.buffered, self.stop).await
    }

    async fn dead_letter(&mut self, indexes: &[usize], reason: &str) -> Result<(), Stopped> {
        for index in indexes {
            self.write_dead_letter(self.messages[*index], reason).await?;
        }
        Ok(())
    }
}
