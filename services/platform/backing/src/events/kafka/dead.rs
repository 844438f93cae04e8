//! Dead letters: events that can never have an effect, on a topic of their own, each with the reason.

use std::time::{Duration, SystemTime};

use rdkafka::{
    error::KafkaError,
    message::{BorrowedHeaders, BorrowedMessage, Header, Message, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
    util::Timeout,
};
use remote::{OpenSpan, Trace};
use tokio::sync::OnceCell;

use super::{parse, producer};
use crate::Topic;

/// How long the broker may take to acknowledge a dead letter.
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(5);
/// The headers that say why, and where it was.
const REASON: &str = "dead-reason";
const FROM: &str = "dead-from";

/// The dead letters of a topic: the topic `<topic>-dead`.
pub(super) struct DeadLetters {
    address: String,
    topic: String,
    spans: Topic,
    /// Made for the first dead letter: most consumers never see one.
    producer: OnceCell<FutureProducer>,
}

impl DeadLetters {
    pub(super) fn new(address: &str, topic: &str) -> Self {
        let topic = format!("{topic}-dead");
        let spans = Topic::of_kafka(address, &topic);
        Self { address: address.to_owned(), topic, spans, producer: OnceCell::new() }
    }

    /// Keeps a message as it came, with a reason; returns when the broker has it.
    pub(super) async fn keep(&self, message: &BorrowedMessage<'_>, reason: &str) -> Result<(), KafkaError> {
        let connect = async || producer(&self.address).create::<FutureProducer>();
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
            timestamp: None,
            headers: Some(headers),
        };
        producer.send(record, Timeout::After(ACKNOWLEDGE_WITHIN)).await.map(drop).map_err(|(error, _)| error)
    }
}

/// Which event a message is, and the trace that it was published in, if that is sampled.
fn traced(message: &BorrowedMessage<'_>) -> Option<(u128, Trace)> {
    let event = parse(message).ok()?;
    let trace = Trace::parse(event.trace.as_deref()?).filter(|trace| trace.sampled)?;
    Some((event.id, trace))
}
