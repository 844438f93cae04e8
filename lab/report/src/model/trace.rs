//! Where an operation's time goes.

use serde::{Deserialize, Serialize};

/// The time that one place takes, over all traced operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeShare {
    /// The component, the hop, or the call to a store: `links`, `http to links.resolve`, `redis GET links`.
    pub component: String,
    /// Whether it is a call to another process or a store, and not work in one.
    pub hop: bool,
    /// Mean microseconds an operation, children taken off.
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
    /// Its spans in the order in which they are drawn: parents before children.
    pub spans: Vec<Span>,
}

impl Trace {
    /// Whether it is of a request, named by its route: `GET /{code}`. An earlier lab took the work of a consumer for an
    /// operation as well, and counted its time as that of the public API.
    pub fn is_of_a_request(&self) -> bool {
        self.spans.first().is_some_and(|root| root.kind == "server") && self.operation.contains('/')
    }

    /// When the operation was answered: the end of its first span, microseconds since the trace began.
    pub fn reply_us(&self) -> f64 {
        self.spans.first().map_or(0.0, Span::end_us)
    }

    /// The spans that began before the reply, in their order: what its user waited for.
    pub fn until_reply(&self) -> impl Iterator<Item = &Span> {
        self.spans.first().into_iter().chain(self.others().filter(|span| span.start_us < self.reply_us()))
    }

    /// The spans that began afterwards, in their order: an event that is delivered later.
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
    /// What it is: `Links/resolve`.
    pub name: String,
    /// The process that it ran in.
    pub process: String,
    /// The component that it belongs to, if it belongs to one.
    pub component: Option<String>,
    /// OpenTelemetry's kind: `server`, `client`, `internal`, `producer`, `consumer`.
    pub kind: String,
    /// Microseconds since the trace began.
    pub start_us: f64,
    /// Microseconds.
    pub duration_us: f64,
    /// How many spans it lies in.
    pub depth: u32,
}

impl Span {
    /// When it ended, microseconds since the trace began.
    pub fn end_us(&self) -> f64 {
        self.start_us + self.duration_us
    }
}
