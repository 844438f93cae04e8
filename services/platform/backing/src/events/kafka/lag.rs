//! How far a consumer is behind.

use std::{sync::Arc, time::Duration};

use prometheus_client::{metrics::gauge::Gauge, registry::Registry};
use rdkafka::{
    Offset,
    consumer::{BaseConsumer, Consumer, StreamConsumer},
    error::KafkaError,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::client;

/// How often the broker is asked: a few small requests each time.
const EVERY: Duration = Duration::from_secs(1);
/// How long the broker may take for one answer.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// Events of the partitions that this process follows whose effect has not been taken.
///
/// The high watermark less the committed offset, both as the broker has them: so it is right while events are held up,
/// when the consumer itself fetches nothing and would know of nothing new.
pub(super) struct Lag {
    events: Gauge,
    /// A connection of its own: on the consumer's the question would wait behind the request for further events,
    /// which the broker holds until there are some.
    asking: Arc<BaseConsumer>,
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
        Ok(Self { events, asking: Arc::new(client(address).create()?) })
    }

    /// Keeps the figure up to date until told to stop. A broker that does not answer leaves it as it was.
    pub(super) async fn watch(&self, consumer: &Arc<StreamConsumer>, stop: &CancellationToken) {
        while stop.run_until_cancelled(sleep(EVERY)).await.is_some() {
            let (consumer, asking) = (Arc::clone(consumer), Arc::clone(&self.asking));
            // The client waits for the broker by blocking its thread.
            match tokio::task::spawn_blocking(move || behind(&consumer, &asking)).await {
                Ok(Ok(events)) => {
                    self.events.set(events);
                }
                Ok(Err(error)) => tracing::debug!(%error, "the lag is not known"),
                Err(_) => return,
            }
        }
    }
}

fn behind(consumer: &StreamConsumer, asking: &BaseConsumer) -> Result<i64, KafkaError> {
    let committed = consumer.committed_offsets(consumer.assignment()?, ANSWER_WITHIN)?;
    let mut events = 0;
    for partition in committed.elements() {
        let (low, high) = asking.fetch_watermarks(partition.topic(), partition.partition(), ANSWER_WITHIN)?;
        // What nobody has committed yet is read from the beginning.
        let next = if let Offset::Offset(next) = partition.offset() { next } else { low };
        events += (high - next).max(0);
    }
    Ok(events)
}
