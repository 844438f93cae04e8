//! Counts and times requests by method, route and status; gRPC calls also by their gRPC status.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};
use pin_project_lite::pin_project;
use tonic::Code;
use tower::{Layer, Service};

use crate::server_metrics::{IngressMetrics, method_label};

/// The layer.
#[derive(Clone)]
pub(super) struct Metrics(Arc<IngressMetrics>);

impl Metrics {
    pub(super) fn new(metrics: Arc<IngressMetrics>) -> Self {
        Self(metrics)
    }
}

impl<S> Layer<S> for Metrics {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Measured<S> {
        Measured { inner, metrics: Arc::clone(&self.0) }
    }
}

/// A service with metrics.
#[derive(Clone)]
pub(super) struct Measured<S> {
    inner: S,
    metrics: Arc<IngressMetrics>,
}

impl<S> Service<Request> for Measured<S>
where
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Timed<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Timed {
            began: Instant::now(),
            method: method_label(request.method()),
            route: request.extensions().get().cloned(),
            metrics: Arc::clone(&self.metrics),
            response: self.inner.call(request),
        }
    }
}

pin_project! {
    /// A response that is counted when it is ready. One that is dropped before that is not.
    pub(super) struct Timed<F> {
        #[pin]
        response: F,
        began: Instant,
        method: &'static str,
        // The route's path, of which there are few, and never the request's.
        route: Option<MatchedPath>,
        metrics: Arc<IngressMetrics>,
    }
}

impl<F, E> Future for Timed<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.response.poll(context))?;
        let route = this.route.as_ref().map_or("", MatchedPath::as_str);
        let took = this.began.elapsed();
        this.metrics.observe(this.method, route, response.status(), took);
        if remote::is_grpc(response.headers()) {
            // A reply without a status in its head is a unary success: the status follows the message, and is
            // OK.
            let status = response.headers().get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
            this.metrics.observe_call(route, status.unwrap_or(Code::Ok), took);
        }
        Poll::Ready(Ok(response))
    }
}
