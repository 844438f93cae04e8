//! That a trace crosses from a publication to the effect of its event, seen by the spans that leave the process.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use backing::TopicPublisher;
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};

use super::*;
use crate::events::example::{Letters, Posted};

/// Keeps the spans that leave.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(batch);
        Ok(())
    }
}

impl Kept {
    fn of(&self, trace: u128) -> Vec<SpanData> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter(|span| span.span_context.trace_id() == trace.into()).cloned().collect()
    }
}

/// Keeps what is cause.
#[derive(Default)]
struct Log(Mutex<Vec<Event>>);

#[async_trait]
impl Publisher for Log {
    async fn publish(&self, event: Event) -> Result<(), Unavailable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        Ok(())
    }

    async fn pending(&self) -> Result<u64, Unavailable> {
        Ok(0)
    }
}

impl Log {
    /// What was published, as a subscriber receives it.
    fn events(&self) -> Vec<Event<Posted>> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let read = |Event { id, key, headers, .. }| Event { id, key, headers, payload: posted() };
        events.into_iter().map(read).collect()
    }
}

/// Notes in which trace the effect is taken.
#[derive(Default)]
struct Owner(Mutex<Vec<Option<u128>>>);

#[async_trait]
impl Subscriber<Letters> for Owner {
    async fn receive(&self, _: &[Event<Posted>], _: Batching) -> Result<(), Unavailable> {
        let trace = current().filter(|context| context.trace.sampled).map(|context| context.trace.id);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(trace);
        Ok(())
    }
}

fn spans() -> TopicSpans {
    TopicSpans::of_kafka("kafka://broker:9092", "letters").of_group("letters.keeping".to_owned())
}

fn posted() -> Posted {
    Posted("hello".to_owned())
}

#[tokio::test]
async fn the_effect_of_an_event_is_a_child_of_its_publication_and_only_where_it_is_sampled() {
    let kept = Kept::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
    opentelemetry::global::set_tracer_provider(provider.clone());

    let log = Arc::new(Log::default());
    let traced = TracedPublisher { spans: spans(), publisher: Arc::clone(&log) as _ };
    let publisher = TopicPublisher::<Letters>::new(Arc::new(traced));
    for (id, sampled) in [(1, true), (2, false), (3, true)] {
        let trace = Trace { id, span: 0xabc, sampled };
        let context = Context { trace, ..Context::unattended() };
        scope(context, publisher.publish(Event::new(id, "key", posted())))
            .await
            .expect("it takes everything");
    }
    let events = log.events();
    let are_traced: Vec<_> = events.iter().map(|event| event.headers.trace.is_some()).collect();
    assert_eq!(are_traced, [true, false, true]);

    let owner = Arc::new(Owner::default());
    let subscriber = TracedSubscriber::<Letters> { spans: spans(), subscriber: Arc::clone(&owner) as _ };
    subscriber.receive(&events, Batching::Shifting).await.expect("it takes everything");
    subscriber.receive(&events[1..2], Batching::Shifting).await.expect("it takes everything");
    let seen = owner.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(seen, [Some(1), None], "what follows belongs to the first sampled trace");

    provider.force_flush().expect("nothing is in the way");
    let of_batch =
        |trace| kept.of(trace).into_iter().find(|span| span.name == "process letters").expect("a span");
    let linked = |trace| -> Vec<u128> {
        let links = of_batch(trace).links;
        links.iter().map(|link| u128::from_be_bytes(link.span_context.trace_id().to_bytes())).collect()
    };
    assert_eq!((linked(1), linked(3)), (vec![3], vec![1]), "what was taken together is linked");
    for trace in [1, 3] {
        let spans = kept.of(trace);
        let named = |name: &str| spans.iter().find(|span| span.name == name).expect("a span");
        let (cause, effect) = (named("send letters"), named("process letters"));
        assert_eq!(spans.len(), 2);
        assert_eq!((&cause.span_kind, &effect.span_kind), (&SpanKind::Producer, &SpanKind::Consumer));
        let said = |span: &SpanData, key: &str| {
            let attribute = span.attributes.iter().find(|attribute| attribute.key.as_str() == key);
            attribute.map(|attribute| attribute.value.to_string()).unwrap_or_default()
        };
        for (span, operation) in [(cause, "send"), (effect, "process")] {
            assert_eq!(said(span, "messaging.system"), "kafka");
            assert_eq!(said(span, "messaging.destination.name"), "letters");
            assert_eq!(said(span, "messaging.operation.name"), operation);
            assert_eq!(said(span, "server.address"), "broker");
            assert_eq!(said(span, "server.port"), "9092");
        }
        assert_eq!(said(effect, "messaging.consumer.group.name"), "letters.keeping");
        assert_eq!(cause.parent_span_id, 0xabc_u64.into());
        assert_eq!(effect.parent_span_id, cause.span_context.span_id());
        assert!(
            effect.end_time.duration_since(effect.start_time).unwrap_or_default() < Duration::from_secs(5)
        );
    }
    assert!(kept.of(2).is_empty(), "an unsampled operation leaves no span");
}
