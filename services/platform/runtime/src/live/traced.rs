//! A message as an operation of its own, which leaves a trace like a request.

use std::future::Future;

use opentelemetry::trace::SpanKind;
use remote::{Context, Trace, current, in_span, scope};

use super::Live;

impl Live {
    /// Does the work for a message of this name within its trace: the client's if it sent one, otherwise a new one, and
    /// sampled as requests are (axis `tracing`). The deadline remains that of the session.
    ///
    /// A connection is open for hours, so no span of its handshake can be the parent.
    pub async fn operation<F: Future>(
        &self,
        name: &'static str,
        parent: Option<Trace>,
        work: F,
    ) -> F::Output {
        let trace = self.sampling().decide(parent);
        let context = Context { trace, ..current().unwrap_or_else(Context::unattended) };
        scope(context, in_span(|| (name.to_owned(), SpanKind::Server, Vec::new()), work)).await
    }
}
