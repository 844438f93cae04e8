//! The deadline layer: it ends a call with `TimedOut` when its time is up.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use contract::{Unavailable, Why};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Timeout, timeout_at};
use tower::{Layer, Service};

use crate::{Budgeted, Failure};

/// Ends a call at its deadline, or after the limit of one attempt if that comes first.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit {
    per_attempt: Option<Duration>,
}

impl TimeLimit {
    /// Limits a call by its own deadline only.
    pub const fn deadline_only() -> Self {
        Self { per_attempt: None }
    }

    /// Limits an attempt to `limit`, or to the call's deadline if that is earlier.
    pub const fn per_attempt(limit: Duration) -> Self {
        Self { per_attempt: Some(limit) }
    }
}

impl<S> Layer<S> for TimeLimit {
    type Service = TimeLimited<S>;

    fn layer(&self, inner: S) -> TimeLimited<S> {
        TimeLimited { limit: *self, inner }
    }
}

/// A service with a time limit on each call.
#[derive(Clone, Debug)]
pub struct TimeLimited<S> {
    limit: TimeLimit,
    inner: S,
}

impl<C, S> Service<C> for TimeLimited<S>
where
    C: Budgeted,
    S: Service<C, Error = Failure>,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = InTime<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: C) -> Self::Future {
        let service = call.service();
        let end = match self.limit.per_attempt {
            Some(limit) => call.deadline().min(Instant::now() + limit),
            None => call.deadline(),
        };
        InTime { answer: timeout_at(end, self.inner.call(call)), service }
    }
}

pin_project! {
    /// The future of a limited call: the reply, or `TimedOut`. tokio's `Timeout` polls the call first and the
    /// timer second, so a reply that is ready at the deadline still counts. Dropping the inner future cancels
    /// the call.
    #[derive(Debug)]
    pub struct InTime<F> {
        #[pin]
        answer: Timeout<F>,
        service: &'static str,
    }
}

impl<F, R> Future for InTime<F>
where
    F: Future<Output = Result<R, Failure>>,
{
    type Output = Result<R, Failure>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.answer.poll(context));
        Poll::Ready(answer.unwrap_or_else(|_| Err(Unavailable::new(*this.service, Why::TimedOut).into())))
    }
}
