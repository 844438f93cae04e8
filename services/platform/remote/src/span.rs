//! Spans of the running operation, by OpenTelemetry: recorded only if the operation is sampled.

use std::{future::Future, time::SystemTime};

use opentelemetry::{
    KeyValue,
    global::{self, BoxedSpan},
    trace::{Span as _, SpanBuilder, SpanKind, Status, Tracer},
};

use crate::{
    context::{Context, current, scope},
    trace::Trace,
};

/// A span's name, kind and attributes.
pub type Described = (String, SpanKind, Vec<KeyValue>);

/// A span that ends when this value is dropped.
pub struct OpenSpan {
    span: BoxedSpan,
    parent: Trace,
}

impl OpenSpan {
    /// Starts a child span of the running operation; `None`, without calling `describe`, if it is not
    /// sampled.
    pub fn begin(describe: impl FnOnce() -> Described) -> Option<Self> {
        let context = current().filter(|context| context.trace.sampled)?;
        Some(Self::since(SystemTime::now(), context.trace, describe()))
    }

    /// Starts a child span of a sampled parent with an explicit start time.
    pub fn since(began: SystemTime, parent: Trace, (name, kind, attributes): Described) -> Self {
        let builder = SpanBuilder::from_name(name);
        let builder = builder.with_kind(kind).with_start_time(began).with_attributes(attributes);
        Self { span: global::tracer("lab").build_with_context(builder, &parent.as_parent()), parent }
    }

    /// The trace with this span as the parent, for work within it.
    pub fn trace(&self) -> Trace {
        let context = self.span.span_context();
        // Without an exporter a span has no id: callees then get the caller's span, so the trace stays
        // connected.
        let valid = context.is_valid().then(|| u64::from_be_bytes(context.span_id().to_bytes()));
        Trace { span: valid.unwrap_or(self.parent.span), ..self.parent }
    }

    /// Links a span of another trace that is related but not the parent.
    pub fn link(&mut self, other: Trace) {
        self.span.add_link(other.as_context(), Vec::new());
    }

    /// Marks the span as failed; `error_type` is a status code or one of a few fixed words.
    pub fn fail(&mut self, error_type: String) {
        self.span.set_status(Status::error(""));
        self.span.set_attribute(KeyValue::new("error.type", error_type));
    }
}

/// Runs a future in a span of the running operation if that is sampled; otherwise just runs it.
///
/// `describe` returns the span's name, kind and attributes; it is called only if a span is made.
pub async fn in_span<F, D>(describe: D, future: F) -> F::Output
where
    F: Future,
    D: FnOnce() -> Described,
{
    match current().filter(|context| context.trace.sampled) {
        None => future.await,
        Some(context) => {
            let span = OpenSpan::since(SystemTime::now(), context.trace, describe());
            // Boxed, so that the future of an unsampled operation does not contain the span's state.
            Box::pin(scope(Context { trace: span.trace(), ..context }, future)).await
        }
    }
}
