//! Lists and replays the dead letters of a consumer group. A replay publishes each message again to its original topic.
//!
//! Messages of a topic cannot be deleted one by one. So the progress of replays is a committed offset, of a consumer group
//! without members: the dead letters are the messages after it.
//!
//! A member that leaves its group before its offsets are committed has written dead letters that the next member writes
//! again. Both name the same original message, so they are listed and replayed as one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use contract::{Timestamp, Unavailable, Why};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::KafkaError,
    message::{Headers as _, OwnedHeaders, OwnedMessage},
    producer::FutureRecord,
};

use super::{
    client,
    dead_letters::{FROM, REASON, dead_letter_topic},
    lag::{ANSWER_WITHIN, left, partitions},
    message::parse,
    producer::Producer,
};
use crate::events::{
    dead_letters::{DeadLetter, DeadLetters},
    group::Group,
};

/// The time limit for the acknowledgement of a replayed message.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(5);
/// The time limit for reading dead letters.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// The number of messages that are replayed before an offset is committed.
const CHUNK: usize = 500;

/// The dead letters of a group.
pub(super) struct KafkaDeadLetters {
    address: Arc<str>,
    topic: &'static str,
    group: &'static str,
    dead_topic: Arc<str>,
}

/// For each partition of the dead-letter topic: the next offset, and the end.
type Left = BTreeMap<i32, (i64, i64)>;

impl KafkaDeadLetters {
    pub(super) fn new(address: &str, group: &Group) -> Self {
        let dead_topic = dead_letter_topic(&group.id()).into();
        Self { address: address.into(), topic: group.topic, group: group.name, dead_topic }
    }

    /// Runs work on a thread of its own: the client blocks its thread while it waits for the broker.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let (address, topic) = (Arc::clone(&self.address), Arc::clone(&self.dead_topic));
        let worked = tokio::task::spawn_blocking(move || work(&Reader::new(&address, topic)?));
        worked.await.unwrap_or(Err(KafkaError::Canceled)).map_err(|error| unavailable(&error))
    }

    fn letter(&self, message: &OwnedMessage) -> DeadLetter {
        let place = format!("{}/{}/{}", self.dead_topic, message.partition(), message.offset());
        let reason = text_header(message, REASON).unwrap_or_else(|| "unknown".to_owned());
        if let Ok(event) = parse(message) {
            return DeadLetter::of(&event, self.topic, self.group, place, &reason);
        }
        let published = message.timestamp().to_millis().and_then(|millis| u64::try_from(millis).ok());
        DeadLetter {
            topic: self.topic.to_owned(),
            group: self.group.to_owned(),
            place,
            id: None,
            key: message.key().map(|key| String::from_utf8_lossy(key).into_owned()),
            type_name: None,
            bytes: message.payload().map_or(0, <[u8]>::len),
            published: published.map(Timestamp::from_millis),
            reason,
        }
    }
}

#[async_trait]
impl DeadLetters for KafkaDeadLetters {
    fn topic(&self) -> &'static str {
        self.topic
    }

    async fn list(&self, most: usize) -> Result<Vec<DeadLetter>, Unavailable> {
        let messages = self.blocking(move |reader| reader.read(&reader.left()?, most)).await?;
        let mut letters: Vec<_> = distinct(&messages).map(|message| self.letter(message)).collect();
        letters.sort_by_key(|letter| letter.published);
        Ok(letters)
    }

    /// Replays up to the end at the time of the call: messages that fail again meanwhile are not replayed again.
    async fn replay(&self) -> Result<u64, Unavailable> {
        let producer =
            Producer::new(&self.address, ACKNOWLEDGED_WITHIN).map_err(|error| unavailable(&error))?;
        let mut left = self.blocking(Reader::left).await?;
        let mut replayed = 0;
        loop {
            let here = left.clone();
            let messages = self.blocking(move |reader| reader.read(&here, CHUNK)).await?;
            if messages.is_empty() {
                return Ok(replayed);
            }
            for message in distinct(&messages) {
                let again = FutureRecord::<[u8], [u8]> {
                    topic: self.topic,
                    partition: None,
                    payload: message.payload(),
                    key: message.key(),
                    timestamp: message.timestamp().to_millis(),
                    headers: Some(own_headers(message)),
                };
                producer.send(again).await.map_err(|error| unavailable(&error))?;
                replayed += 1;
            }
            for message in &messages {
                left.entry(message.partition()).and_modify(|(next, _)| *next = message.offset() + 1);
            }
            // Committed after the messages are acknowledged: after a crash in between they are replayed twice, never lost.
            let reached = left.clone();
            self.blocking(move |reader| reader.commit(&reached)).await?;
        }
    }
}

/// Reads the dead-letter topic.
struct Reader {
    consumer: BaseConsumer,
    topic: Arc<str>,
}

impl Reader {
    fn new(address: &str, topic: Arc<str>) -> Result<Self, KafkaError> {
        let consumer = client(address)
            .set("group.id", format!("{topic}.replayed"))
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .create()?;
        Ok(Self { consumer, topic })
    }

    /// The messages that have not been replayed, as ranges of offsets.
    fn left(&self) -> Result<Left, KafkaError> {
        let partitions = partitions(&self.consumer, &self.topic)?;
        if partitions.count() == 0 {
            return Ok(Left::new());
        }
        let committed = self.consumer.committed_offsets(partitions, ANSWER_WITHIN)?;
        let partitions = committed.elements();
        partitions
            .iter()
            .map(|partition| Ok((partition.partition(), left(&self.consumer, partition)?)))
            .collect()
    }

    /// Reads the messages in these ranges, up to `most`.
    fn read(&self, left: &Left, most: usize) -> Result<Vec<OwnedMessage>, KafkaError> {
        let mut missing: Left = left.clone();
        missing.retain(|_, (next, end)| next < end);
        let mut assigned = TopicPartitionList::new();
        for (partition, (next, _)) in &missing {
            assigned.add_partition_offset(&self.topic, *partition, Offset::Offset(*next))?;
        }
        self.consumer.assign(&assigned)?;
        let (mut messages, deadline) = (Vec::new(), Instant::now() + READ_WITHIN);
        while !missing.is_empty() && messages.len() < most {
            if Instant::now() > deadline {
                return Err(KafkaError::Canceled);
            }
            let Some(message) = self.consumer.poll(Duration::from_millis(100)).transpose()? else { continue };
            let (partition, next) = (message.partition(), message.offset() + 1);
            let is_wanted = missing.get(&partition).is_some_and(|(_, end)| next <= *end);
            if is_wanted {
                messages.push(message.detach());
            }
            missing.retain(|of, (_, end)| *of != partition || next < *end);
        }
        Ok(messages)
    }

    fn commit(&self, reached: &Left) -> Result<(), KafkaError> {
        let mut offsets = TopicPartitionList::new();
        for (partition, (next, _)) in reached {
            offsets.add_partition_offset(&self.topic, *partition, Offset::Offset(*next))?;
        }
        self.consumer.commit(&offsets, CommitMode::Sync)
    }
}

/// One dead letter for each original message.
fn distinct(messages: &[OwnedMessage]) -> impl Iterator<Item = &OwnedMessage> {
    let mut seen = BTreeSet::new();
    messages.iter().filter(move |message| text_header(message, FROM).is_none_or(|from| seen.insert(from)))
}

/// The headers of the original message.
fn own_headers(message: &OwnedMessage) -> OwnedHeaders {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    let own = headers.filter(|header| ![REASON, FROM].contains(&header.key));
    own.fold(OwnedHeaders::new(), |headers, header| headers.insert(header))
}

fn text_header(message: &OwnedMessage, key: &str) -> Option<String> {
    let value = message.headers()?.iter().find(|header| header.key == key)?.value?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn unavailable(error: &KafkaError) -> Unavailable {
    tracing::warn!(%error, "the dead-letter topic is unavailable");
    Unavailable::new("kafka", Why::Unreachable)
}
