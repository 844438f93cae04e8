//! The future of a call that needs a permit: of a breaker, or of a limit.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::Failure;

/// A permit, which learns how its call ended; dropped before that, its caller went away.
pub trait Settle {
    /// The call has ended.
    fn settle<R>(self, result: &Result<R, Failure>);
}

pin_project! {
    /// The future of a call: the reply, or `Rejected` without a permit.
    #[derive(Debug)]
    pub struct Permitted<F, P> {
        #[pin]
        call: Option<F>,
        permit: Option<P>,
        service: &'static str,
    }
}

impl<F, P> Permitted<F, P> {
    /// A call that got its permit.
    pub(crate) fn new(call: F, permit: P, service: &'static str) -> Self {
        Self { call: Some(call), permit: Some(permit), service }
    }

    /// One that did not, and is not made.
    pub(crate) fn rejected(service: &'static str) -> Self {
        Self { call: None, permit: None, service }
    }
}

impl<F, P, R> Future for Permitted<F, P>
where
    F: Future<Output = Result<R, Failure>>,
    P: Settle,
{
    type Output = Result<R, Failure>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(call) = this.call.as_pin_mut() else {
            return Poll::Ready(Err(Failure::rejected(this.service)));
        };
        let result = ready!(call.poll(context));
        if let Some(permit) = this.permit.take() {
            permit.settle(&result);
        }
        Poll::Ready(result)
    }
}
