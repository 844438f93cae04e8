//! The time of an operation by place.

use serde::{Deserialize, Serialize};

/// The time of one place, over all traced operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeShare {
    /// The component, the hop, or the call to a store: `links`, `http to links.resolve`, `redis GET links`.
    pub component: String,
    /// Whether it is a call to another process or a store.
    pub hop: bool,
    /// Mean microseconds per operation, without the time of child spans.
    pub mean_us: f64,
    /// Its share of the operation's time, 0 to 1.
    pub share: f64,
}

/// One traced operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Its id, 32 hexadecimal digits.
    pub trace_id: String,
    /// The operation: `follow`.
    pub operation: String,
    /// Its spans in drawing order: parents before children.
    pub spans: Vec<Span>,
}

impl Trace {
    /// Whether the root is a request, named by its route: `GET /{code}`. Older reports also took a consumer's
    /// work for an operation, and counted its time as the public API's.
    pub fn is_of_a_request(&self) -> bool {
        self.spans.first().is_some_and(|root| root.kind == "server") && self.operation.contains('/')
    }

    /// The time of the reply: the end of the first span, in microseconds since the trace began.
    pub fn reply_us(&self) -> f64 {
        self.spans.first().map_or(0.0, Span::end_us)
    }

    /// The spans that began before the reply, in order: the client's wait.
    pub fn until_reply(&self) -> impl Iterator<Item = &Span> {
        self.spans.first().into_iter().chain(self.others().filter(|span| span.start_us < self.reply_us()))
    }

    /// The spans that began after the reply, in order: an event that is delivered later.
    pub fn after_reply(&self) -> impl Iterator<Item = &Span> {
        self.others().filter(|span| span.start_us >= self.reply_us())
    }

    fn others(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter().skip(1)
    }
}

/// One span of a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Its name: `Links/resolve`.
    pub name: String,
    /// Its process.
    pub process: String,
    /// Its component, if it has one.
    pub component: Option<String>,
    /// OpenTelemetry's kind: `server`, `client`, `internal`, `producer`, `consumer`.
    pub kind: String,
    /// Microseconds since the trace began.
    pub start_us: f64,
    /// Microseconds.
    pub duration_us: f64,
    /// The number of its ancestors.
    pub depth: u32,
}

impl Span {
    /// Its end, in microseconds since the trace began.
    pub fn end_us(&self) -> f64 {
        self.start_us + self.duration_us
    }
}
