//! Events as a process has them: the way that the axis `events` names, and the trace that crosses it.

use std::{sync::Arc, time::SystemTime};

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use backing::{
    Batching, Event, EventMetrics, Inline, KafkaConsumer, KafkaPublisher, MemoryPublisher, Publisher,
    Subscriber, Topic,
};
use contract::{Unavailable, Why};
use remote::{Context, OpenSpan, Trace, current, in_span, scope};

use crate::Backings;

/// Sampled traces of a batch that have its span; further ones end with their publication.
const MOST_LINKS: usize = 128;

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
    let spans = match backings.axis("events") {
        // Such a process is not told where the broker is.
        "kafka" if !part.receives && !part.publishes => return Ok(Arc::new(Nowhere)),
        "kafka" => Topic::of_kafka(&backings.address("events")?, topic),
        by => Topic::within(by, topic),
    };
    let publisher: Arc<dyn Publisher> = match backings.axis("events") {
        "inline" => return Ok(Arc::new(Inline::new(subscriber, metrics))),
        "memory" => {
            let subscriber = Arc::new(TracedSubscriber { topic: spans.clone(), subscriber });
            Arc::new(MemoryPublisher::start(subscriber, metrics, &backings.background))
        }
        "kafka" => {
            if part.receives {
                let subscriber = Arc::new(TracedSubscriber { topic: spans.clone(), subscriber });
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
    Ok(Arc::new(TracedPublisher { topic: spans, publisher }))
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
    topic: Topic,
    publisher: Arc<dyn Publisher>,
}

#[async_trait]
impl Publisher for TracedPublisher {
    async fn publish(&self, mut event: Event) -> Result<(), Unavailable> {
        let id = event.id;
        let published = async {
            // Within the span, so that what is done with the event is a child of its publication.
            event.trace =
                current().filter(|context| context.trace.sampled).map(|context| context.trace.header());
            self.publisher.publish(event).await
        };
        in_span(|| self.topic.send(id), published).await
    }

    async fn pending(&self) -> Result<u64, Unavailable> {
        self.publisher.pending().await
    }
}

/// Takes the effect of events within the traces that they were published in.
///
/// Of a batch, the first sampled trace has the calls that this makes; every other has a span of the same duration. The
/// first is linked to the publication of each of the others, and each of the others to the first.
struct TracedSubscriber {
    topic: Topic,
    subscriber: Arc<dyn Subscriber>,
}

#[async_trait]
impl Subscriber for TracedSubscriber {
    async fn receive(&self, events: &[Event], batching: Batching) -> Result<(), Unavailable> {
        let traces = events.iter().filter_map(|event| Trace::parse(event.trace.as_deref()?));
        let mut sampled = traces.filter(|trace| trace.sampled);
        let Some(first) = sampled.next() else {
            return self.subscriber.receive(events, batching).await;
        };
        let others: Vec<_> = sampled.take(MOST_LINKS).collect();
        let began = SystemTime::now();
        let mut span = OpenSpan::since(began, first, self.topic.process(events.len()));
        for other in &others {
            span.link(*other);
        }
        let context = Context { trace: span.trace(), ..Context::unattended() };
        let outcome = scope(context, self.subscriber.receive(events, batching)).await;
        for other in others {
            OpenSpan::since(began, other, self.topic.process(events.len())).link(span.trace());
        }
        outcome
    }
}

#[cfg(test)]
mod tests;
