//! A span and a trace, as far as the lab needs them.

use opentelemetry_proto::tonic::{
    common::v1::{KeyValue, any_value},
    trace::v1::{Span as OtlpSpan, span::SpanKind as OtlpKind},
};

/// One timed piece of work in one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Unique in its trace.
    pub id: Vec<u8>,
    /// The span that caused it; empty for the root.
    pub parent: Vec<u8>,
    /// What was done: `GET /{code}`, `links.resolve`.
    pub name: String,
    /// The process that did it: the resource's `service.name`.
    pub process: String,
    /// Which side of a call it is.
    pub kind: SpanKind,
    /// The component that it belongs to: the attribute `lab.component`.
    pub component: Option<String>,
    /// The transport of the call that it is one side of: the attribute `lab.hop`.
    pub hop: Option<String>,
    /// The store or broker that it is a call to: `postgresql`, `redis`, `kafka`.
    pub store: Option<String>,
    /// When it began, nanoseconds since 1970.
    pub start_ns: u64,
    /// When it ended, nanoseconds since 1970; never before it began.
    pub end_ns: u64,
}

/// Which side of a call a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// A call to another process, as the caller sees it.
    Client,
    /// A call from another process, as the callee sees it.
    Server,
    /// Work within a process, and everything else.
    Internal,
}

/// Where time is spent: what a span's own time counts as.
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
        /// What was called: `links.resolve`.
        to: String,
    },
    /// In a store or broker, and on the way there and back; of one in the process, in its library.
    Store {
        /// Which kind: `postgresql`.
        system: String,
        /// What it was asked: `SELECT links`.
        call: String,
    },
}

/// The spans of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub id: String,
    /// In the order in which they arrived.
    pub spans: Vec<Span>,
}

impl Span {
    /// What was done, and of a call to a store, to which: `redis GET links`.
    pub fn title(&self) -> String {
        match &self.store {
            Some(system) => format!("{system} {}", self.name),
            None => self.name.clone(),
        }
    }

    /// How long it took, nanoseconds.
    pub fn duration_ns(&self) -> u64 {
        self.end_ns - self.start_ns
    }

    /// Reads a span from the wire.
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
    /// The span that nothing caused; with a caller that traces as well, the one whose cause is not here.
    pub fn root(&self) -> Option<&Span> {
        let is_here = |id: &[u8]| self.spans.iter().any(|span| span.id == id);
        self.spans
            .iter()
            .filter(|span| span.parent.is_empty() || !is_here(&span.parent))
            .min_by_key(|span| span.start_ns)
    }

    /// The root, if it answers a request. Where the request of an event was not traced, or its trace is gone already, the
    /// consumer's work is a trace of its own, and nobody waits for it.
    pub fn request(&self) -> Option<&Span> {
        self.root().filter(|root| root.kind == SpanKind::Server && root.store.is_none())
    }

    /// The spans that a span caused, in order of their beginning.
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
