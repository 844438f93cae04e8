//! Traces by the W3C Trace Context (<https://www.w3.org/TR/trace-context/>), spans by OpenTelemetry.
//!
//! Whether an operation is sampled is decided once, at the edge, before any span is made:
//! an unsampled operation carries its ids and makes no span at all, so that it pays for none.

use std::{future::Future, time::SystemTime};

use opentelemetry::{
    Context as OtelContext, KeyValue,
    global::{self, BoxedSpan},
    trace::{Span as _, SpanBuilder, SpanContext, SpanKind, TraceContextExt, TraceFlags, TraceState, Tracer},
};

use crate::context::{current, scope};

/// The id of an operation across every process: 16 bytes, never all zero.
pub type TraceId = u128;

/// The id of a span within a trace: 8 bytes.
pub type SpanId = u64;

/// Where in which trace a piece of work stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The operation.
    pub id: TraceId,
    /// The span that this work is a part of.
    pub span: SpanId,
    /// Whether the operation leaves spans.
    pub sampled: bool,
}

impl Trace {
    /// A new trace that leaves no spans.
    pub fn unsampled() -> Self {
        Self { id: new_trace_id(), span: new_span_id(), sampled: false }
    }

    /// Reads a `traceparent` header: `00-<32 hex>-<16 hex>-<2 hex>`; `None` if it is not one.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, id, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version.len() != 2 || id.len() != 32 || span.len() != 16 || flags.len() != 2 {
            return None;
        }
        let id = u128::from_str_radix(id, 16).ok().filter(|id| *id != 0)?;
        let span = u64::from_str_radix(span, 16).ok().filter(|span| *span != 0)?;
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(Self { id, span, sampled })
    }

    /// The `traceparent` header for a callee.
    pub fn header(&self) -> String {
        let flags = u8::from(self.sampled);
        format!("00-{:032x}-{:016x}-{flags:02x}", self.id, self.span)
    }

    fn as_parent(self) -> OtelContext {
        let flags = if self.sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
        OtelContext::new().with_remote_span_context(SpanContext::new(
            self.id.into(),
            self.span.into(),
            flags,
            true,
            TraceState::NONE,
        ))
    }
}

/// A fresh trace id.
pub fn new_trace_id() -> TraceId {
    rand::random::<u128>().max(1)
}

/// A fresh span id.
pub fn new_span_id() -> SpanId {
    rand::random::<u64>().max(1)
}

/// What a span is: its name, kind and attributes.
pub type Described = (String, SpanKind, Vec<KeyValue>);

/// Makes a span that is over already: work that was done for several operations at once, seen from one of them.
pub fn record_span(parent: Trace, described: Described, began: SystemTime) {
    if parent.sampled {
        begin(parent, described, began).end();
    }
}

fn begin(parent: Trace, (name, kind, attributes): Described, at: SystemTime) -> BoxedSpan {
    let builder =
        SpanBuilder::from_name(name).with_kind(kind).with_start_time(at).with_attributes(attributes);
    global::tracer("lab").build_with_context(builder, &parent.as_parent())
}

/// Runs a future as a span of the running operation, if that leaves spans; otherwise just runs it.
///
/// `describe` gives the span's name, kind and attributes; it is called only when a span is made.
pub async fn in_span<F, D>(describe: D, future: F) -> F::Output
where
    F: Future,
    D: FnOnce() -> Described,
{
    match current().filter(|context| context.trace.sampled) {
        None => future.await,
        Some(context) => {
            let mut span = begin(context.trace, describe(), SystemTime::now());
            let mut inside = context;
            // Without an exporter a span has no id: then callees see the caller's, and the trace holds together.
            if span.span_context().is_valid() {
                inside.trace.span = u64::from_be_bytes(span.span_context().span_id().to_bytes());
            }
            // Boxed, so that an unsampled operation does not carry the room for this.
            let output = Box::pin(scope(inside, future)).await;
            span.end();
            output
        }
    }
}
