//! The consumer lag: of one member, and of a whole consumer group.
//!
//! Both are computed from the broker's high watermarks and committed offsets. So they are right while a consumer is paused
//! and fetches nothing, when it does not know of new events itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use prometheus_client::metrics::gauge::Gauge;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, StreamConsumer},
    error::KafkaError,
    topic_partition_list::TopicPartitionListElem,
    types::RDKafkaRespErr,
};
use tokio::{sync::Mutex, time::sleep};
use tokio_util::sync::CancellationToken;

use super::client;

/// The interval between two measurements, which are a few small requests.
const EVERY: Duration = Duration::from_secs(1);
/// The time limit of one request.
pub(in crate::events) const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// How long a measured lag of the group, or a failure to measure it, is reused: frequent callers cause no more requests, and
/// concurrent callers wait together for a broker that is unavailable.
const FRESH: Duration = Duration::from_millis(200);

/// The lag of the partitions that are assigned to this process.
pub(super) struct Lag {
    events: Gauge,
    /// A connection of its own: on the consumer's connection the request would wait behind the fetch request, which the
    /// broker holds until there are events.
    asking: Arc<BaseConsumer>,
    /// Whether the broker answered the last request.
    answers: Arc<AtomicBool>,
}

impl Lag {
    pub(super) fn new(address: &str, events: Gauge) -> Result<Self, KafkaError> {
        Ok(Self { events, asking: Arc::new(client(address).create()?), answers: Arc::new(true.into()) })
    }

    /// Whether the broker answered the last request.
    pub(super) fn answers(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.answers)
    }

    /// Measures the lag until it is stopped. While the broker does not answer, the gauge keeps its value.
    pub(super) async fn watch(&self, consumer: &Arc<StreamConsumer>, stop: &CancellationToken) {
        while stop.run_until_cancelled(sleep(EVERY)).await.is_some() {
            let (consumer, asking) = (Arc::clone(consumer), Arc::clone(&self.asking));
            // The client blocks its thread while it waits for the broker.
            let asked = tokio::task::spawn_blocking(move || behind(&consumer, &asking)).await;
            self.answers.store(matches!(asked, Ok(Ok(_))), Ordering::Relaxed);
            match asked {
                Ok(Ok(events)) => {
                    self.events.set(events);
                }
                Ok(Err(error)) => tracing::debug!(%error, "the lag is unknown"),
                Err(_) => return,
            }
        }
    }
}

/// The lag of a consumer group over all partitions, also of those that are assigned to no member at the moment: the
/// partitions of a member that died are reassigned after the session time-out.
pub(super) struct GroupLag {
    address: Arc<str>,
    topic: &'static str,
    group: Arc<str>,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    /// Reads the group's offsets without being a member; created when first used, because it has threads of its own.
    asking: Option<BaseConsumer>,
    latest: Option<(Instant, Result<u64, KafkaError>)>,
}

impl Known {
    fn ask(&mut self, address: &str, topic: &'static str, group: &str) -> Result<u64, KafkaError> {
        let asking = match &self.asking {
            Some(asking) => asking,
            None => self.asking.insert(client(address).set("group.id", group).create()?),
        };
        group_is_behind(asking, topic)
    }
}

impl GroupLag {
    pub(super) fn new(address: &str, topic: &'static str, group: String) -> Self {
        Self { address: address.into(), topic, group: group.into(), known: Arc::default() }
    }

    /// The lag in events, never too low. One caller at a time asks the broker, and the others wait for the same answer.
    pub(super) async fn events(&self) -> Result<u64, KafkaError> {
        let mut known = Arc::clone(&self.known).lock_owned().await;
        if let Some((_, outcome)) = known.latest.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return outcome.clone();
        }
        let (address, topic, group) = (Arc::clone(&self.address), self.topic, Arc::clone(&self.group));
        // The client blocks its thread while it waits for the broker.
        let asked = tokio::task::spawn_blocking(move || {
            let outcome = known.ask(&address, topic, &group);
            known.latest = Some((Instant::now(), outcome.clone()));
            outcome
        });
        asked.await.unwrap_or(Err(KafkaError::Canceled))
    }
}

fn behind(consumer: &StreamConsumer, asking: &BaseConsumer) -> Result<i64, KafkaError> {
    uncommitted(&consumer.committed_offsets(consumer.assignment()?, ANSWER_WITHIN)?, asking)
}

fn group_is_behind(asking: &BaseConsumer, topic: &'static str) -> Result<u64, KafkaError> {
    let committed = asking.committed_offsets(partitions(asking, topic)?, ANSWER_WITHIN)?;
    uncommitted(&committed, asking).map(i64::unsigned_abs)
}

/// The partitions of a topic; none if it does not exist.
pub(in crate::events) fn partitions(
    asking: &impl Consumer,
    topic: &str,
) -> Result<TopicPartitionList, KafkaError> {
    let metadata = asking.fetch_metadata(Some(topic), ANSWER_WITHIN)?;
    let mut partitions = TopicPartitionList::new();
    for found in metadata.topics().iter().filter(|found| found.name() == topic) {
        match found.error() {
            None | Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => {}
            Some(error) => return Err(KafkaError::MetadataFetch(error.into())),
        }
        for partition in found.partitions() {
            partitions.add_partition(topic, partition.id());
        }
    }
    Ok(partitions)
}

/// The number of events between the committed offsets and the ends of the partitions.
fn uncommitted(committed: &TopicPartitionList, asking: &BaseConsumer) -> Result<i64, KafkaError> {
    let mut events = 0;
    for partition in committed.elements() {
        let (next, end) = left(asking, &partition)?;
        events += (end - next).max(0);
    }
    Ok(events)
}

/// The range of a partition after its committed offset: the next offset, and the end. The end is read after the committed
/// offset, so an event that is published or processed in between is counted rather than missed. Events that the broker has
/// deleted because of their age are not in the range.
pub(super) fn left(
    asking: &BaseConsumer,
    committed: &TopicPartitionListElem<'_>,
) -> Result<(i64, i64), KafkaError> {
    let (low, high) = asking.fetch_watermarks(committed.topic(), committed.partition(), ANSWER_WITHIN)?;
    // Without a committed offset, a group begins with the oldest event.
    let next = if let Offset::Offset(next) = committed.offset() { next.max(low) } else { low };
    Ok((next, high))
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    /// Callers at the same time.
    const CALLERS: u32 = 8;

    #[tokio::test]
    async fn callers_share_the_failure_of_a_broker_that_is_away() {
        // The discard port: nothing listens there.
        let lag = GroupLag::new("kafka://127.0.0.1:9", "clicks", "clicks.tallying".to_owned());
        let begun = Instant::now();
        let answers = join_all((0..CALLERS).map(|_| lag.events())).await;
        assert!(answers.iter().all(Result::is_err), "{answers:?}");
        // One after another they would take all of it.
        assert!(begun.elapsed() < ANSWER_WITHIN * CALLERS / 2, "{:?}", begun.elapsed());
    }
}
