//! Aborts a request at its deadline; does not start one whose deadline has passed.
//!
//! The deadline holds until the head of the response is ready, and not for its body, which the connection's own limits bound.
//!
//! Not tower's `Timeout`, which has the same duration for every request.

use std::{
    future::{self, Future, Ready},
    pin::Pin,
    task::{Context as Poller, Poll, ready},
};

use axum::{extract::Request, response::Response};
use futures::future::Either;
use pin_project_lite::pin_project;
use remote::{deadline_exceeded, is_grpc};
use tokio::time::{Instant, Timeout, timeout_at};
use tower::{Layer, Service};

use super::request_context::context_of;

/// The layer.
#[derive(Clone, Copy)]
pub(super) struct Deadline;

impl<S> Layer<S> for Deadline {
    type Service = WithDeadline<S>;

    fn layer(&self, inner: S) -> WithDeadline<S> {
        WithDeadline(inner)
    }
}

/// A service with a deadline for each request.
#[derive(Clone)]
pub(super) struct WithDeadline<S>(S);

impl<S> Service<Request> for WithDeadline<S>
where
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<InTime<S::Future>, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Poller<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let is_grpc = is_grpc(request.headers());
        let deadline = context_of(&request).deadline;
        if deadline <= Instant::now() {
            return Either::Right(future::ready(Ok(deadline_exceeded(is_grpc))));
        }
        Either::Left(InTime { response: timeout_at(deadline, self.0.call(request)), is_grpc })
    }
}

pin_project! {
    /// The handler's response, or 504 at the deadline.
    pub(super) struct InTime<F> {
        #[pin]
        response: Timeout<F>,
        is_grpc: bool,
    }
}

impl<F, E> Future for InTime<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Poller<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.response.poll(context));
        Poll::Ready(response.unwrap_or_else(|_| Ok(deadline_exceeded(*this.is_grpc))))
    }
}
