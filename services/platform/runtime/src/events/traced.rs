//! Traces across events: from the publication to the processing.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;
use backing::{Batching, Event, Publisher, Subscriber, Topic, TopicSpans};
use contract::Unavailable;
use remote::{Context, OpenSpan, Trace, current, in_span, scope};

/// The number of sampled traces of a batch that get a span; further ones end with the publication.
const MOST_LINKS: usize = 128;

/// Adds the trace context to published events, if the trace is sampled.
pub(super) struct TracedPublisher {
    pub(super) spans: TopicSpans,
    pub(super) publisher: Arc<dyn Publisher>,
}

#[async_trait]
impl Publisher for TracedPublisher {
    async fn publish(&self, mut event: Event) -> Result<(), Unavailable> {
        let id = event.id;
        let published = async {
            // Within the span, so that the processing becomes a child of the publication.
            event.headers.trace =
                current().filter(|context| context.trace.sampled).map(|context| context.trace.header());
            self.publisher.publish(event).await
        };
        in_span(|| self.spans.send(id), published).await
    }

    async fn pending(&self) -> Result<u64, Unavailable> {
        self.publisher.pending().await
    }
}

/// Processes events within the traces of their publications.
///
/// The first sampled trace of a batch gets the calls that the processing makes. Every other sampled trace gets a span of the
/// same duration. The first span is linked to the other publications, and the other spans to the first.
pub(super) struct TracedSubscriber<T: Topic> {
    pub(super) spans: TopicSpans,
    pub(super) subscriber: Arc<dyn Subscriber<T>>,
}

#[async_trait]
impl<T: Topic> Subscriber<T> for TracedSubscriber<T> {
    async fn receive(&self, events: &[Event<T::Payload>], batching: Batching) -> Result<(), Unavailable> {
        let traces = events.iter().filter_map(|event| Trace::parse(event.headers.trace.as_deref()?));
        let mut sampled = traces.filter(|trace| trace.sampled);
        let Some(first) = sampled.next() else {
            return self.subscriber.receive(events, batching).await;
        };
        let others: Vec<_> = sampled.take(MOST_LINKS).collect();
        let began = SystemTime::now();
        let mut span = OpenSpan::since(began, first, self.spans.process(events.len()));
        for other in &others {
            span.link(*other);
        }
        let context = Context { trace: span.trace(), ..Context::unattended() };
        let outcome = scope(context, self.subscriber.receive(events, batching)).await;
        for other in others {
            OpenSpan::since(began, other, self.spans.process(events.len())).link(span.trace());
        }
        outcome
    }
}

#[cfg(test)]
mod tests;
