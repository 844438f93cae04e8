//! Events as a process has them: the way that the axis `events` names, and the trace that crosses it.

use std::{sync::Arc, time::SystemTime};

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use backing::{
    Batching, Event, EventMetrics, Inline, KafkaConsumer, KafkaPublisher, MemoryPublisher, Publisher,
    Subscriber,
};
use contract::{Unavailable, Why};
use opentelemetry::{KeyValue, trace::SpanKind};
use remote::{Context, Described, Trace, current, in_span, record_span, scope};

use crate::Backings;

/// What a process has to do with the events of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// It receives: it hosts their owner.
    pub(crate) receives: bool,
    /// It publishes: it hosts the edge.
    pub(crate) publishes: bool,
}

/// The way of a topic's events to the subscriber, as the axis `events` has it.
pub(crate) fn way(
    backings: &mut Backings,
    part: Part,
    topic: &'static str,
    subscriber: Arc<dyn Subscriber>,
) -> Result<Arc<dyn Publisher>> {
    let metrics = EventMetrics::register(&mut backings.registry, topic);
    let publisher: Arc<dyn Publisher> = match backings.axis("events") {
        "inline" => return Ok(Arc::new(Inline::new(subscriber, metrics))),
        "memory" => {
            let subscriber = Arc::new(TracedSubscriber { topic, subscriber });
            Arc::new(MemoryPublisher::start(subscriber, metrics, &backings.background))
        }
        "kafka" => {
            if part.receives {
                let subscriber = Arc::new(TracedSubscriber { topic, subscriber });
                receive_from_kafka(backings, topic, subscriber, metrics.clone())?;
            }
            // A producer has threads of its own: only the process that publishes has one.
            if !part.publishes {
                return Ok(Arc::new(Nowhere));
            }
            let publisher = KafkaPublisher::new(&backings.address("events")?, topic, metrics)
                .context("cannot publish events")?;
            backings.watches(publisher.check());
            Arc::new(publisher)
        }
        other => bail!("nothing is wired for events = {other}"),
    };
    let by = backings.axis("events").to_owned();
    Ok(Arc::new(TracedPublisher { topic, by, publisher }))
}

fn receive_from_kafka(
    backings: &mut Backings,
    topic: &'static str,
    subscriber: Arc<dyn Subscriber>,
    metrics: EventMetrics,
) -> Result<()> {
    let broker = backings.address("events")?;
    let background = backings.background.clone();
    let consumer =
        KafkaConsumer::start(&broker, topic, subscriber, metrics, &mut backings.registry, &background)
            .context("cannot receive events")?;
    backings.watches(consumer.check());
    Ok(())
}

/// What stands for a publisher in a process without the edge: nothing there publishes.
struct Nowhere;

#[async_trait]
impl Publisher for Nowhere {
    async fn publish(&self, _: Event) -> Result<(), Unavailable> {
        Err(Unavailable::new("events", Why::Broken))
    }

    async fn pending(&self) -> Result<u64, Unavailable> {
        Err(Unavailable::new("events", Why::Broken))
    }
}

/// Gives an event the trace that it is published in, if that is sampled.
struct TracedPublisher {
    topic: &'static str,
    by: String,
    publisher: Arc<dyn Publisher>,
}

#[async_trait]
impl Publisher for TracedPublisher {
    async fn publish(&self, mut event: Event) -> Result<(), Unavailable> {
        let describe = || {
            let hop = KeyValue::new("lab.hop", self.by.clone());
            (format!("publish {}", self.topic), SpanKind::Producer, vec![hop])
        };
        let published = async {
            // Within the span, so that what is done with the event is a child of its publication.
            event.trace =
                current().filter(|context| context.trace.sampled).map(|context| context.trace.header());
            self.publisher.publish(event).await
        };
        in_span(describe, published).await
    }

    async fn pending(&self) -> Result<u64, Unavailable> {
        self.publisher.pending().await
    }
}

/// Takes the effect of events within the traces that they were published in.
///
/// Of a batch, the first sampled trace has the calls that this makes; every other has a span of the same duration.
struct TracedSubscriber {
    topic: &'static str,
    subscriber: Arc<dyn Subscriber>,
}

impl TracedSubscriber {
    fn describe(&self, events: usize) -> Described {
        let batch = KeyValue::new("messaging.batch.message_count", i64::try_from(events).unwrap_or(i64::MAX));
        (format!("process {}", self.topic), SpanKind::Consumer, vec![batch])
    }
}

#[async_trait]
impl Subscriber for TracedSubscriber {
    async fn receive(&self, events: &[Event], batching: Batching) -> Result<(), Unavailable> {
        let traces = events.iter().filter_map(|event| Trace::parse(event.trace.as_deref()?));
        let mut sampled = traces.filter(|trace| trace.sampled);
        let Some(first) = sampled.next() else {
            return self.subscriber.receive(events, batching).await;
        };
        let began = SystemTime::now();
        let context = Context { trace: first, ..Context::unattended() };
        let received = self.subscriber.receive(events, batching);
        let outcome = scope(context, in_span(|| self.describe(events.len()), received)).await;
        for other in sampled {
            record_span(other, self.describe(events.len()), began);
        }
        outcome
    }
}

#[cfg(test)]
mod tests;
