//! Fails the requests that the fault `errors` draws, in place of the handler.

use std::{
    future::{self, Ready},
    task::{Context as Poller, Poll},
};

use axum::{extract::Request, response::Response};
use futures::future::Either;
use remote::{internal_error, is_grpc, unavailable};
use tower::{Layer, Service};

use crate::fault_injection::{ErrorReply, InjectedErrors};

/// The layer.
#[derive(Clone)]
pub(super) struct FailOnPurpose(pub(super) InjectedErrors);

impl<S> Layer<S> for FailOnPurpose {
    type Service = WithFault<S>;

    fn layer(&self, inner: S) -> WithFault<S> {
        WithFault { errors: self.0.clone(), inner }
    }
}

/// A service of which a share of the requests fails while the fault is in force.
#[derive(Clone)]
pub(super) struct WithFault<S> {
    errors: InjectedErrors,
    inner: S,
}

impl<S> Service<Request> for WithFault<S>
where
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Poller<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Some(fails) = self.errors.draw() else { return Either::Left(self.inner.call(request)) };
        let reply = match fails {
            ErrorReply::Unavailable => unavailable,
            ErrorReply::Internal => internal_error,
        };
        Either::Right(future::ready(Ok(reply(is_grpc(request.headers())))))
    }
}
