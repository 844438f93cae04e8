//! Runs a handler within its request's context, where `remote::current` finds it.

use std::task::{Context as Poller, Poll};

use axum::extract::Request;
use remote::{Scoped, scope};
use tower::{Layer, Service};

use super::request_context::context_of;

/// The layer.
#[derive(Clone, Copy)]
pub(super) struct ContextScope;

impl<S> Layer<S> for ContextScope {
    type Service = WithinContext<S>;

    fn layer(&self, inner: S) -> WithinContext<S> {
        WithinContext(inner)
    }
}

/// A service that runs within its request's context.
#[derive(Clone)]
pub(super) struct WithinContext<S>(S);

impl<S: Service<Request>> Service<Request> for WithinContext<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Scoped<S::Future>;

    fn poll_ready(&mut self, context: &mut Poller<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        scope(context_of(&request), self.0.call(request))
    }
}
