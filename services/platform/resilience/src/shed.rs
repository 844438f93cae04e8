//! Load shedding at a server: when it is full, the least important requests are refused first.
//!
//! A server that refuses by arrival alone lets retries and background work, of which there is always more under
//! overload, crowd out the requests that somebody waits for.
//! Each class may use a share of the permits, counted over all classes: background work stops at 40 % and
//! leaves the rest to the others.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::limit::{Limit, Permit, Signal};

/// The class of a request, least important first.
///
/// The class of an operation crosses every hop (Google calls it criticality and does the same: "Site Reliability
/// Engineering", 2016, chapter 21): what a background request calls is background work, whatever it calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// Nobody waits for it.
    Background,
    /// A caller sent it before, and was refused or waited too long.
    Retry,
    /// Somebody waits for it.
    #[default]
    Normal,
    /// The system's purpose: a checkout.
    Critical,
}

impl Priority {
    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Retry => "retry",
            Self::Normal => "normal",
            Self::Critical => "critical",
        }
    }

    /// The class of an operation in another process, by its name. `None` for a normal operation, which sends no name, and
    /// for a retry, which is a class of one call and not of an operation.
    pub fn of_operation(name: &[u8]) -> Option<Self> {
        [Self::Background, Self::Critical].into_iter().find(|class| class.name().as_bytes() == name)
    }

    /// The class of a call to a method of this class that is a part of an operation: never above the operation's if that
    /// says one, and the operation's if the method says none.
    #[must_use]
    pub fn within(self, operation: Option<Self>) -> Self {
        match (self, operation) {
            (declared, None) => declared,
            (Self::Normal, Some(operation)) => operation,
            (declared, Some(operation)) => declared.min(operation),
        }
    }
}

/// Puts a limit with classes before a service. `classify` reads a request's class, and `refuse` makes the reply
/// to one that is refused.
#[derive(Clone, Debug)]
pub struct ShedLayer<C, R> {
    limit: Arc<Limit>,
    shares: [f64; 4],
    classify: C,
    refuse: R,
}

impl<C, R> ShedLayer<C, R> {
    /// Sheds by these shares of the limit, from background to critical: [`SHED_SHARES`](crate::settings::SHED_SHARES).
    pub const fn new(limit: Arc<Limit>, shares: [f64; 4], classify: C, refuse: R) -> Self {
        Self { limit, shares, classify, refuse }
    }
}

impl<S, C: Clone, R: Clone> Layer<S> for ShedLayer<C, R> {
    type Service = Shedding<S, C, R>;

    fn layer(&self, inner: S) -> Shedding<S, C, R> {
        let (limit, shares) = (Arc::clone(&self.limit), self.shares);
        Shedding { limit, shares, classify: self.classify.clone(), refuse: self.refuse.clone(), inner }
    }
}

/// A service that refuses the least important requests first.
#[derive(Clone, Debug)]
pub struct Shedding<S, C, R> {
    limit: Arc<Limit>,
    shares: [f64; 4],
    classify: C,
    refuse: R,
    inner: S,
}

impl<S, Q, C, R> Service<Q> for Shedding<S, C, R>
where
    S: Service<Q>,
    C: Fn(&Q) -> Priority,
    R: Fn(&Q, Priority) -> S::Response,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Shed<S::Future, S::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let priority = (self.classify)(&request);
        match self.limit.try_acquire(self.shares[priority as usize]) {
            Some(permit) => {
                Shed { served: Some(self.inner.call(request)), permit: Some(permit), refusal: None }
            }
            None => Shed { served: None, permit: None, refusal: Some((self.refuse)(&request, priority)) },
        }
    }
}

pin_project! {
    /// The future of a request: the service's reply, or the refusal.
    #[derive(Debug)]
    pub struct Shed<F, R> {
        #[pin]
        served: Option<F>,
        permit: Option<Permit>,
        refusal: Option<R>,
    }
}

impl<F, R, E> Future for Shed<F, R>
where
    F: Future<Output = Result<R, E>>,
{
    type Output = Result<R, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(served) = this.served.as_pin_mut() else {
            return Poll::Ready(Ok(this.refusal.take().expect("a future is not polled after its end")));
        };
        let result = ready!(served.poll(context));
        if let Some(permit) = this.permit.take() {
            permit.end(if result.is_ok() { Signal::Answered } else { Signal::None });
        }
        Poll::Ready(result)
    }
}
