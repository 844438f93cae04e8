//! Which operations leave a trace.

use std::str::FromStr;

use remote::{Trace, new_span_id, new_trace_id};

/// Which requests leave a trace: the values of the axis `tracing`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    /// None.
    Off,
    /// Those whose caller asks with a sampled `traceparent`.
    Asked,
    /// Those, and this share of the others.
    Share(f64),
}

impl FromStr for Sampling {
    type Err = std::num::ParseFloatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "asked" | "" => Ok(Self::Asked),
            "all" => Ok(Self::Share(1.0)),
            share => share.parse().map(Self::Share),
        }
    }
}

impl Sampling {
    /// The trace of an operation: the caller's, or a new one, sampled or not.
    pub(super) fn decide(self, parent: Option<Trace>) -> Trace {
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
