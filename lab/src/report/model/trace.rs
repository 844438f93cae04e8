//! Where an operation's time goes.

use serde::{Deserialize, Serialize};

/// The time that one place takes, over all traced operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeShare {
    /// The component, or the hop: `links`, `gateway -> links`.
    pub component: String,
    /// Whether it is a way between processes and not work in one.
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
