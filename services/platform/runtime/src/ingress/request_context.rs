//! Decides a request's deadline, trace and class, and returns the operation's id to a public caller.

use std::{
    future::Future,
    pin::Pin,
    task::{Context as Poller, Poll, ready},
    time::Duration,
};

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    response::Response,
};
use pin_project_lite::pin_project;
use remote::{Context, Priority, TRACEPARENT, Trace, is_grpc};
use tokio::time::Instant;
use tower::{Layer, Service};

use super::{
    priorities::{Priorities, of_operation},
    time_left::time_left,
};
use crate::Sampling;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The trace and span that served the request (W3C Trace Context, level 2, a draft).
const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// The trust in a server's callers: which fields of a request's head count.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trust {
    /// Untrusted callers: `traceparent`, as far as the sampling permits, and the deadline of a gRPC call. It can only be
    /// earlier than the server's own, so that it costs nobody else anything.
    Anybody(Sampling),
    /// Processes of the same wiring: the deadline, the trace and the class of the operation.
    SameWiring,
}

impl Trust {
    /// The context of a request whose route declares this class, with this timeout.
    fn context(self, request: &Request, declared: Priority, request_timeout: Duration) -> Context {
        let headers = request.headers();
        let parent = headers.get(TRACEPARENT).and_then(|value| Trace::parse(value.to_str().ok()?));
        let within = |left: Option<Duration>| left.map_or(request_timeout, |left| left.min(request_timeout));
        let (time, trace, priority) = match self {
            Self::Anybody(sampling) => {
                let left = time_left(headers).filter(|_| is_grpc(headers));
                (within(left), sampling.decide(parent), declared)
            }
            Self::SameWiring => {
                let trace = parent.unwrap_or_else(Trace::unsampled);
                (within(time_left(headers)), trace, declared.within(of_operation(request)))
            }
        };
        Context { deadline: Instant::now() + time, trace, priority }
    }
}

/// The layer.
#[derive(Clone)]
pub(super) struct RequestContext {
    trust: Trust,
    request_timeout: Duration,
    priorities: Priorities,
}

impl RequestContext {
    /// `request_timeout` is the longest time for a request; a caller of the same wiring may leave less.
    pub(super) fn new(trust: Trust, request_timeout: Duration, priorities: Priorities) -> Self {
        Self { trust, request_timeout, priorities }
    }
}

/// The context of a request below this layer.
pub(super) fn context_of(request: &Request) -> Context {
    request.extensions().get().copied().unwrap_or_else(Context::unattended)
}

impl<S> Layer<S> for RequestContext {
    type Service = WithContext<S>;

    fn layer(&self, inner: S) -> WithContext<S> {
        WithContext { decides: self.clone(), inner }
    }
}

/// A service that finds a [`Context`] in its requests' extensions.
#[derive(Clone)]
pub(super) struct WithContext<S> {
    decides: RequestContext,
    inner: S,
}

impl<S> Service<Request> for WithContext<S>
where
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = WithRequestId<S::Future>;

    fn poll_ready(&mut self, context: &mut Poller<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let RequestContext { trust, request_timeout, priorities } = &self.decides;
        let context = trust.context(&request, priorities.declared(&request), *request_timeout);
        request.extensions_mut().insert(context);
        // A process of the same wiring knows its operation's id.
        let request_id = matches!(trust, Trust::Anybody(_)).then_some(context.trace);
        WithRequestId { response: self.inner.call(request), request_id }
    }
}

pin_project! {
    /// A response that carries the operation's id, for a public caller.
    pub(super) struct WithRequestId<F> {
        #[pin]
        response: F,
        request_id: Option<Trace>,
    }
}

impl<F, E> Future for WithRequestId<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Poller<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.response.poll(context))?;
        if let Some(trace) = this.request_id {
            write_request_id(&mut response, *trace);
        }
        Poll::Ready(Ok(response))
    }
}

/// Writes the operation's id, and the trace position if it is sampled.
fn write_request_id(response: &mut Response, trace: Trace) {
    // Set by `ServerSpan`.
    let span = response.extensions_mut().remove::<Trace>();
    let headers = response.headers_mut();
    headers.extend(HeaderValue::try_from(trace.id_text()).map(|id| (REQUEST_ID, id)));
    if let Some(span) = span {
        headers.extend(HeaderValue::try_from(span.header()).map(|span| (TRACERESPONSE, span)));
    }
}
