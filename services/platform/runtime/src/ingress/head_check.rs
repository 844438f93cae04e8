//! Refuses a request with a malformed head.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use futures::future::Either;
use tower::{Layer, Service};

use crate::head;

/// The layer.
#[derive(Clone, Copy)]
pub(super) struct HeadCheck;

impl<S> Layer<S> for HeadCheck {
    type Service = HeadChecked<S>;

    fn layer(&self, inner: S) -> HeadChecked<S> {
        HeadChecked(inner)
    }
}

/// A service that receives only valid heads.
#[derive(Clone)]
pub(super) struct HeadChecked<S>(S);

impl<S> Service<Request> for HeadChecked<S>
where
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match head::check(&request) {
            Ok(()) => Either::Left(self.0.call(request)),
            Err(fault) => Either::Right(ready(Ok(fault.into_response()))),
        }
    }
}
