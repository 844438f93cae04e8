//! The `traceparent` of what is sent (W3C Trace Context, level 1).

use rand::{Rng as _, RngExt as _, make_rng, rngs::Xoshiro256PlusPlus};

/// Makes sampled traces.
pub(super) struct Tracer(Xoshiro256PlusPlus);

impl Tracer {
    pub(super) fn new() -> Self {
        Self(make_rng())
    }

    /// The id of a new trace.
    pub(super) fn trace_id(&mut self) -> u128 {
        self.0.random::<u128>() | 1
    }

    /// The value for the next request or message of a trace: a new parent span.
    pub(super) fn traceparent(&mut self, trace: u128) -> String {
        let span = self.0.next_u64() | 1;
        format!("00-{trace:032x}-{span:016x}-01")
    }
}
