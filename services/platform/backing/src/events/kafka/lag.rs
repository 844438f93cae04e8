//! How far a consumer is behind, and how far its whole group is.
//!
//! Both are the high watermark less the committed offset, as the broker has them: so they are right while events are
//! held up, when a consumer itself fetches nothing and would know of nothing new.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use prometheus_client::{metrics::gauge::Gauge, registry::Registry};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, StreamConsumer},
    error::KafkaError,
    types::RDKafkaRespErr,
};
use tokio::{sync::Mutex, time::sleep};
use tokio_util::sync::CancellationToken;

use super::client;

/// How often the broker is asked: a few small requests each time.
const EVERY: Duration = Duration::from_secs(1);
/// How long the broker may take for one answer.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// For how long one answer about the group, or one failure to get it, serves all who ask: whoever asks often asks the
/// broker no oftener, and those who wait for a broker that is away wait together.
const FRESH: Duration = Duration::from_millis(200);

/// Events of the partitions that this process follows whose effect has not been taken.
pub(super) struct Lag {
    events: Gauge,
    /// A connection of its own: on the consumer's the question would wait behind the request for further events,
    /// which the broker holds until there are some.
    asking: Arc<BaseConsumer>,
    /// Whether the broker answered when it was asked last.
    answers: Arc<AtomicBool>,
}

impl Lag {
    pub(super) fn register(
        registry: &mut Registry,
        address: &str,
        topic: &'static str,
    ) -> Result<Self, KafkaError> {
        let events = Gauge::default();
        registry.sub_registry_with_label(("topic".into(), topic.into())).register(
            "consumer_lag",
            "Events of the partitions that this process follows whose effect has not been taken",
            events.clone(),
        );
        Ok(Self { events, asking: Arc::new(client(address).create()?), answers: Arc::new(true.into()) })
    }

    /// Whether the broker answers, as far as is known.
    pub(super) fn answers(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.answers)
    }

    /// Keeps the figure up to date until told to stop. A broker that does not answer leaves it as it was.
    pub(super) async fn watch(&self, consumer: &Arc<StreamConsumer>, stop: &CancellationToken) {
        while stop.run_until_cancelled(sleep(EVERY)).await.is_some() {
            let (consumer, asking) = (Arc::clone(consumer), Arc::clone(&self.asking));
            // The client waits for the broker by blocking its thread.
            let asked = tokio::task::spawn_blocking(move || behind(&consumer, &asking)).await;
            self.answers.store(matches!(asked, Ok(Ok(_))), Ordering::Relaxed);
            match asked {
                Ok(Ok(events)) => {
                    self.events.set(events);
                }
                Ok(Err(error)) => tracing::debug!(%error, "the lag is not known"),
                Err(_) => return,
            }
        }
    }
}

/// Events of a topic whose effect no member of its group has committed, partitions that nobody follows now included:
/// those of a member that died are its successor's, after the session's time-out.
pub(super) struct GroupLag {
    address: Arc<str>,
    topic: &'static str,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    /// Reads the group's offsets and is no member of it; made when first used, because it has threads of its own.
    asking: Option<BaseConsumer>,
    latest: Option<(Instant, Result<u64, KafkaError>)>,
}

impl Known {
    fn ask(&mut self, address: &str, topic: &'static str) -> Result<u64, KafkaError> {
        let asking = match &self.asking {
            Some(asking) => asking,
            None => self.asking.insert(client(address).set("group.id", topic).create()?),
        };
        group_is_behind(asking, topic)
    }
}

impl GroupLag {
    /// The lag of the group that is called as its topic.
    pub(super) fn new(address: &str, topic: &'static str) -> Self {
        Self { address: address.into(), topic, known: Arc::default() }
    }

    /// How many there are; never too few. One asks the broker at a time, and the others wait for the same answer.
    pub(super) async fn events(&self) -> Result<u64, KafkaError> {
        let mut known = Arc::clone(&self.known).lock_owned().await;
        if let Some((_, outcome)) = known.latest.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return outcome.clone();
        }
        let (address, topic) = (Arc::clone(&self.address), self.topic);
        // The client waits for the broker by blocking its thread.
        let asked = tokio::task::spawn_blocking(move || {
            let outcome = known.ask(&address, topic);
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
    let metadata = asking.fetch_metadata(Some(topic), ANSWER_WITHIN)?;
    let mut partitions = TopicPartitionList::new();
    for found in metadata.topics().iter().filter(|found| found.name() == topic) {
        match found.error() {
            // A topic that is not there has no events.
            None | Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => {}
            Some(error) => return Err(KafkaError::MetadataFetch(error.into())),
        }
        for partition in found.partitions() {
            partitions.add_partition(topic, partition.id());
        }
    }
    let committed = asking.committed_offsets(partitions, ANSWER_WITHIN)?;
    uncommitted(&committed, asking).map(i64::unsigned_abs)
}

/// Events between the committed offsets and the ends of their partitions. The ends are read after the offsets, so that
/// an event that comes or goes meanwhile is counted rather than missed.
fn uncommitted(committed: &TopicPartitionList, asking: &BaseConsumer) -> Result<i64, KafkaError> {
    let mut events = 0;
    for partition in committed.elements() {
        let (low, high) = asking.fetch_watermarks(partition.topic(), partition.partition(), ANSWER_WITHIN)?;
        // What nobody has committed yet is read from the beginning.
        let next = if let Offset::Offset(next) = partition.offset() { next } else { low };
        events += (high - next).max(0);
    }
    Ok(events)
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
        let lag = GroupLag::new("kafka://127.0.0.1:9", "clicks");
        let begun = Instant::now();
        let answers = join_all((0..CALLERS).map(|_| lag.events())).await;
        assert!(answers.iter().all(Result::is_err), "{answers:?}");
        // One after another they would take all of it.
        assert!(begun.elapsed() < ANSWER_WITHIN * CALLERS / 2, "{:?}", begun.elapsed());
    }
}
