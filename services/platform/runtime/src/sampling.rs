//! Which operations leave a trace.

use design::axes::Tracing;
use remote::{Trace, new_span_id, new_trace_id};

/// Which requests leave a trace, as the axis `tracing` has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    /// None.
    Off,
    /// Those whose caller asks with a sampled `traceparent`.
    Asked,
    /// Those, and this share of the others.
    Share(f64),
}

impl From<Tracing> for Sampling {
    fn from(tracing: Tracing) -> Self {
        match tracing {
            Tracing::Off => Self::Off,
            Tracing::Asked => Self::Asked,
            Tracing::All => Self::Share(1.0),
            Tracing::Share(share) => Self::Share(share.get()),
        }
    }
}

impl Sampling {
    /// The trace of an operation: the caller's, or a new one, sampled or not.
    pub(crate) fn decide(self, parent: Option<Trace>) -> Trace {
        let mut trace =
            parent.unwrap_or_else(|| Trace { id: new_trace_id(), span: new_span_id(), sampled: false });
        trace.sampled = match self {
            Self::Off => false,
            Self::Asked => trace.sampled,
            // By the trace id, so that every service samples the same traces (OpenTelemetry's TraceIdRatioBased).
            Self::Share(share) => trace.sampled || (trace.id as u64) as f64 / u64::MAX as f64 <= share,
        };
        trace
    }
}
