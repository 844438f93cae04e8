//! Serves a sampled request in a span; an unsampled one costs nothing here.

use std::{
    future::Future,
    pin::Pin,
    task::{Context as Poller, Poll, ready},
    time::SystemTime,
};

use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};
use opentelemetry::trace::SpanKind;
use pin_project_lite::pin_project;
use remote::{Context, OpenSpan, is_grpc};
use tower::{Layer, Service};

use super::request_context::context_of;

/// The layer.
#[derive(Clone, Copy)]
pub(super) struct ServerSpan;

impl<S> Layer<S> for ServerSpan {
    type Service = Spanned<S>;

    fn layer(&self, inner: S) -> Spanned<S> {
        Spanned(inner)
    }
}

/// A service whose sampled requests have spans.
#[derive(Clone)]
pub(super) struct Spanned<S>(S);

impl<S> Service<Request> for Spanned<S>
where
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = InSpan<S::Future>;

    fn poll_ready(&mut self, context: &mut Poller<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let span = begin(&mut request);
        InSpan { response: self.0.call(request), span }
    }
}

/// Starts the span of a sampled request, and makes it the parent of the work for the request.
fn begin(request: &mut Request) -> Option<OpenSpan> {
    let context = Some(context_of(request)).filter(|context| context.trace.sampled)?;
    let described = (name_of(request), SpanKind::Server, Vec::new());
    let span = OpenSpan::since(SystemTime::now(), context.trace, described);
    request.extensions_mut().insert(Context { trace: span.trace(), ..context });
    Some(span)
}

/// A span's name by OpenTelemetry's conventions: HTTP's method and route, never the path, which has too many
/// values; a gRPC call's `package.Service/Method`.
fn name_of(request: &Request) -> String {
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
    if is_grpc(request.headers()) {
        return route.trim_start_matches('/').to_owned();
    }
    format!("{} {route}", request.method())
}

pin_project! {
    /// A response whose span lasts until its head is ready: dropping the span ends it. Nothing of the response is recorded in
    /// it, not even the status.
    pub(super) struct InSpan<F> {
        #[pin]
        response: F,
        span: Option<OpenSpan>,
    }
}

impl<F, E> Future for InSpan<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Poller<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.response.poll(context))?;
        if let Some(span) = this.span.take() {
            response.extensions_mut().insert(span.trace());
        }
        Poll::Ready(Ok(response))
    }
}
