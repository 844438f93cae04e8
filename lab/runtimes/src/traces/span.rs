//! The parts of a span and a trace that the lab uses.

use opentelemetry_proto::tonic::{
    common::v1::{KeyValue, any_value},
    trace::v1::{Span as OtlpSpan, span::SpanKind as OtlpKind},
};

/// One timed piece of work in one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Unique in its trace.
    pub id: Vec<u8>,
    /// The parent span; empty for the root.
    pub parent: Vec<u8>,
    /// The name: `GET /{code}`, `links.resolve`.
    pub name: String,
    /// The process: the resource's `service.name`.
    pub process: String,
    /// The side of a call.
    pub kind: SpanKind,
    /// The component: the attribute `lab.component`.
    pub component: Option<String>,
    /// The transport of the call: the attribute `lab.hop`.
    pub hop: Option<String>,
    /// The store or broker that it calls: `postgresql`, `redis`, `kafka`.
    pub store: Option<String>,
    /// The start, in nanoseconds since 1970.
    pub start_ns: u64,
    /// The end, in nanoseconds since 1970; not before the start.
    pub end_ns: u64,
}

/// The side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// A call to another process, seen by the caller.
    Client,
    /// A call from another process, seen by the callee.
    Server,
    /// Work within a process, and everything else.
    Internal,
}

/// The place of a span's own time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the public API's own work.
    Edge,
    /// In a component's own work.
    Component(String),
    /// Between two processes: encoding, sending, waiting for a worker, decoding.
    Hop {
        /// The transport: `http`.
        transport: String,
        /// The called method: `links.resolve`.
        to: String,
    },
    /// In a store or broker, with the way there and back; in the library of an embedded store.
    Store {
        /// The kind: `postgresql`.
        system: String,
        /// The call: `SELECT links`.
        call: String,
    },
}

/// The spans of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub id: String,
    /// In the order of their arrival.
    pub spans: Vec<Span>,
}

impl Span {
    /// The name, with the store for a call to one: `redis GET links`.
    pub fn title(&self) -> String {
        match &self.store {
            Some(system) => format!("{system} {}", self.name),
            None => self.name.clone(),
        }
    }

    /// The duration in nanoseconds.
    pub fn duration_ns(&self) -> u64 {
        self.end_ns - self.start_ns
    }

    /// Converts a span from OTLP.
    pub(super) fn from_otlp(span: OtlpSpan, process: &str) -> Self {
        Self {
            kind: match span.kind() {
                OtlpKind::Client | OtlpKind::Producer => SpanKind::Client,
                OtlpKind::Server | OtlpKind::Consumer => SpanKind::Server,
                OtlpKind::Internal | OtlpKind::Unspecified => SpanKind::Internal,
            },
            component: text(&span.attributes, "lab.component"),
            hop: text(&span.attributes, "lab.hop"),
            store: text(&span.attributes, "db.system.name")
                .or_else(|| text(&span.attributes, "messaging.system")),
            process: process.to_owned(),
            start_ns: span.start_time_unix_nano,
            end_ns: span.end_time_unix_nano.max(span.start_time_unix_nano),
            id: span.span_id,
            parent: span.parent_span_id,
            name: span.name,
        }
    }
}

impl Trace {
    /// The root span; if the caller traces as well, the span whose parent is missing.
    pub fn root(&self) -> Option<&Span> {
        let is_here = |id: &[u8]| self.spans.iter().any(|span| span.id == id);
        self.spans
            .iter()
            .filter(|span| span.parent.is_empty() || !is_here(&span.parent))
            .min_by_key(|span| span.start_ns)
    }

    /// The root, if it is a request. If the request of an event was not traced, or its trace is gone already,
    /// the consumer's work is a separate trace, for which no client waits.
    pub fn request(&self) -> Option<&Span> {
        self.root().filter(|root| root.kind == SpanKind::Server && root.store.is_none())
    }

    /// The children of a span, by start time.
    pub fn children<'a>(&'a self, of: &Span) -> Vec<&'a Span> {
        let mut children: Vec<_> = self
            .spans
            .iter()
            .filter(|span| !span.parent.is_empty() && span.parent == of.id && span.id != of.id)
            .collect();
        children.sort_by_key(|span| span.start_ns);
        children
    }
}

/// The text of an attribute.
pub(super) fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|pair| pair.key == key)?;
    match value.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}
