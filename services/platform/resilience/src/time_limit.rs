//! The deadline layer: it ends a call with `TimedOut` when its time is up.
//!
//! Waiting is inside the limit. In tower's contract a caller waits for `poll_ready` before it has the call's
//! future, where no timer of that future runs yet: behind a full buffer it would wait without a limit. So this
//! service is always ready, and a call waits for the inner service within its own limit.

mod adaptive;

use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

pub use adaptive::{AdaptiveTimeLimit, AdaptivelyLimited, AttemptTimes, Timed};
use contract::{Unavailable, Why};
use futures::future::Either;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Timeout, timeout_at};
use tower::{Layer, Service, ServiceExt as _, util::Oneshot};

use crate::{CallFacts, Failure};

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
        TimeLimited { limit: *self, inner, is_ready: false }
    }
}

/// A service with a time limit on each call.
#[derive(Debug)]
pub struct TimeLimited<S> {
    limit: TimeLimit,
    inner: S,
    /// Whether the inner service is ready for a call.
    is_ready: bool,
}

/// Readiness belongs to one clone.
impl<S: Clone> Clone for TimeLimited<S> {
    fn clone(&self) -> Self {
        Self { limit: self.limit, inner: self.inner.clone(), is_ready: false }
    }
}

/// The reply of an inner service that was ready, or that the call has to wait for.
type Reply<S, C> = Either<<S as Service<C>>::Future, Pin<Box<Oneshot<S, C>>>>;

impl<C, S> Service<C> for TimeLimited<S>
where
    C: CallFacts,
    S: Service<C, Error = Failure> + Clone,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = InTime<Reply<S, C>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.is_ready = match self.inner.poll_ready(context) {
            Poll::Ready(result) => result.map(|()| true)?,
            Poll::Pending => false,
        };
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: C) -> Self::Future {
        let service = call.service();
        let end = match self.limit.per_attempt {
            Some(limit) => call.deadline().min(Instant::now() + limit),
            None => call.deadline(),
        };
        let reply = if mem::take(&mut self.is_ready) {
            Either::Left(self.inner.call(call))
        } else {
            // The service that was polled is the one that waits: it has its place in the queue. In a box, because
            // this is rare and a call is large.
            let clone = self.inner.clone();
            Either::Right(Box::pin(mem::replace(&mut self.inner, clone).oneshot(call)))
        };
        InTime { answer: timeout_at(end, reply), service }
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
