//! The received spans, within limits.

use std::collections::HashMap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use super::{Span, Trace, span::text};

/// The most traces: enough for a mean within a few per cent, and some 20 MiB.
const MAX_TRACES: usize = 4_000;

/// The most spans per trace; an operation of these systems has some ten.
const MAX_SPANS: usize = 256;

/// The received traces.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// The traces that were kept: the first ones.
    pub traces: Vec<Trace>,
    /// The number of received spans, including dropped ones.
    pub spans_received: u64,
    /// The number of dropped spans, beyond the limits.
    pub spans_dropped: u64,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    traces: HashMap<Vec<u8>, Trace>,
    received: u64,
    dropped: u64,
}

impl Store {
    pub(super) fn add(&mut self, request: ExportTraceServiceRequest) {
        for resource in request.resource_spans {
            let process = resource
                .resource
                .as_ref()
                .and_then(|resource| text(&resource.attributes, "service.name"))
                .unwrap_or_default();
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let id = span.trace_id.clone();
                self.keep(id, Span::from_otlp(span, &process));
            }
        }
    }

    fn keep(&mut self, trace: Vec<u8>, span: Span) {
        self.received += 1;
        let has_room = self.traces.len() < MAX_TRACES || self.traces.contains_key(&trace);
        if has_room {
            let id = trace.iter().fold(String::new(), |id, byte| id + &format!("{byte:02x}"));
            let spans =
                &mut self.traces.entry(trace).or_insert_with(|| Trace { id, spans: Vec::new() }).spans;
            if spans.len() < MAX_SPANS {
                spans.push(span);
                return;
            }
        }
        self.dropped += 1;
    }

    /// Empties the store.
    pub(super) fn take(&mut self) -> Collected {
        let store = std::mem::take(self);
        Collected {
            traces: store.traces.into_values().collect(),
            spans_received: store.received,
            spans_dropped: store.dropped,
        }
    }
}
