//! The dead-letter topic of a consumer group. It holds messages as they came, each with the reason.

use std::time::{Duration, SystemTime};

use rdkafka::{
    error::KafkaError,
    message::{BorrowedHeaders, BorrowedMessage, Header, Message, OwnedHeaders},
    producer::FutureRecord,
};
use remote::{OpenSpan, Trace};
use tokio::sync::OnceCell;

use super::{message::parse, producer::Producer};
use crate::TopicSpans;

/// The time limit for the acknowledgement of a dead letter.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(5);
/// The headers with the reason, and with topic, partition and offset of the original message.
pub(super) const REASON: &str = "dead-reason";
pub(super) const FROM: &str = "dead-from";

/// Writes the dead letters of a group.
pub(super) struct DeadLetterTopic {
    address: String,
    topic: String,
    spans: TopicSpans,
    /// Created for the first dead letter: most consumers never have one.
    producer: OnceCell<Producer>,
}

/// The name of a group's dead-letter topic: `clicks.tallying.dead`.
pub(super) fn dead_letter_topic(group: &str) -> String {
    format!("{group}.dead")
}

impl DeadLetterTopic {
    pub(super) fn new(address: &str, group: &str) -> Self {
        let topic = dead_letter_topic(group);
        let spans = TopicSpans::of_kafka(address, &topic);
        Self { address: address.to_owned(), topic, spans, producer: OnceCell::new() }
    }

    /// Writes a message with the reason; returns when the broker has acknowledged it.
    pub(super) async fn write(&self, message: &BorrowedMessage<'_>, reason: &str) -> Result<(), KafkaError> {
        let connect = async || Producer::new(&self.address, ACKNOWLEDGED_WITHIN);
        let producer = self.producer.get_or_try_init(connect).await?;
        let from = format!("{}/{}/{}", message.topic(), message.partition(), message.offset());
        let headers = message.headers().map_or_else(OwnedHeaders::new, BorrowedHeaders::detach);
        let headers = headers
            .insert(Header { key: REASON, value: Some(reason) })
            .insert(Header { key: FROM, value: Some(&from) });
        let _span =
            traced(message).map(|(id, trace)| OpenSpan::since(SystemTime::now(), trace, self.spans.send(id)));
        let record = FutureRecord::<[u8], [u8]> {
            topic: &self.topic,
            partition: None,
            payload: message.payload(),
            key: message.key(),
            timestamp: message.timestamp().to_millis(),
            headers: Some(headers),
        };
        producer.send(record).await
    }
}

/// The event id of a message and its trace, if that is sampled.
fn traced(message: &BorrowedMessage<'_>) -> Option<(u128, Trace)> {
    let event = parse(message).ok()?;
    let trace = Trace::parse(event.headers.trace.as_deref()?).filter(|trace| trace.sampled)?;
    Some((event.id, trace))
}
