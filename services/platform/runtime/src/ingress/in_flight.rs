//! Limits the requests in flight: one more is refused at once, not queued (load shedding).
//!
//! tower's `ConcurrencyLimit` under `LoadShed` does the same, but it refuses with an error, which axum's
//! `HandleError` has to turn back into a response, at the cost of a boxed future for every request.

use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{extract::Request, response::Response};
use futures::future::Either;
use pin_project_lite::pin_project;
use remote::{is_grpc, overloaded};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{Layer, Service};

/// The layer: all services that it makes share one semaphore.
#[derive(Clone)]
pub(super) struct InFlightLimit(Arc<Semaphore>);

impl InFlightLimit {
    pub(super) fn new(permits: usize) -> Self {
        Self(Arc::new(Semaphore::new(permits)))
    }
}

impl<S> Layer<S> for InFlightLimit {
    type Service = InFlightLimited<S>;

    fn layer(&self, inner: S) -> InFlightLimited<S> {
        InFlightLimited { inner, permits: Arc::clone(&self.0) }
    }
}

/// A service with a limit on requests in flight.
#[derive(Clone)]
pub(super) struct InFlightLimited<S> {
    inner: S,
    permits: Arc<Semaphore>,
}

impl<S> Service<Request> for InFlightLimited<S>
where
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<WithPermit<S::Future>, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => Either::Left(WithPermit { response: self.inner.call(request), permit }),
            Err(_) => Either::Right(ready(Ok(overloaded(is_grpc(request.headers()))))),
        }
    }
}

pin_project! {
    /// A response with its permit, which is returned when the head of the response is ready (the body is sent without
    /// one), or when this future is dropped because the client left.
    pub(super) struct WithPermit<F> {
        #[pin]
        response: F,
        permit: OwnedSemaphorePermit,
    }
}

impl<F: Future> Future for WithPermit<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.project().response.poll(context)
    }
}
