//! Hedged reads: a second attempt beside a slow first; the first reply wins and the other attempt is cancelled.
//!
//! Dean and Barroso, "The Tail at Scale", 2013.
//! tower's `hedge` is not taken: it ends the call with the error of a second attempt while the first is still
//! on its way, it has no budget, and it measures every call in a histogram behind a lock.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use serde::Serialize;
use tokio::time::{Sleep, sleep};
use tower::{
    Layer, Service,
    retry::budget::{Budget as _, TpsBudget},
};

use crate::{CallFacts, Failure, metrics::HedgeMetrics, retry::budget, settings::HedgeSettings};

/// What the calls to one callee share.
#[derive(Debug)]
pub struct Hedges {
    after: Duration,
    budget: TpsBudget,
    metrics: HedgeMetrics,
}

impl Hedges {
    /// Hedges within a budget.
    pub fn new(settings: HedgeSettings, metrics: HedgeMetrics) -> Arc<Self> {
        Arc::new(Self { after: settings.after, budget: budget(settings.budget), metrics })
    }

    /// Their counts.
    pub fn snapshot(&self) -> HedgeSnapshot {
        HedgeSnapshot { sent: self.metrics.sent.get(), won: self.metrics.won.get() }
    }
}

/// Hedges as an operator reads them, since the process started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HedgeSnapshot {
    /// Second attempts that were sent.
    pub sent: u64,
    /// Of these, the ones that answered first.
    pub won: u64,
}

/// Hedges the idempotent calls of a service.
#[derive(Clone, Debug)]
pub struct HedgeLayer(Arc<Hedges>);

impl HedgeLayer {
    /// A layer of these hedges.
    pub const fn new(hedges: Arc<Hedges>) -> Self {
        Self(hedges)
    }
}

impl<S> Layer<S> for HedgeLayer {
    type Service = Hedged<S>;

    fn layer(&self, inner: S) -> Hedged<S> {
        Hedged { hedges: Arc::clone(&self.0), inner }
    }
}

/// A service whose idempotent calls are hedged.
#[derive(Clone, Debug)]
pub struct Hedged<S> {
    hedges: Arc<Hedges>,
    inner: S,
}

impl<C, S> Service<C> for Hedged<S>
where
    C: CallFacts + Clone,
    S: Service<C, Error = Failure> + Clone,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = Race<S, C>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: C) -> Self::Future {
        let spare = if call.idempotent() {
            Spare::Waiting { service: self.inner.clone(), call: call.clone() }
        } else {
            Spare::None
        };
        Race {
            first: Some(self.inner.call(call)),
            second: None,
            timer: sleep(self.hedges.after),
            spare,
            failed: None,
            hedges: Arc::clone(&self.hedges),
        }
    }
}

/// A second attempt that was not sent yet.
#[derive(Debug)]
enum Spare<S, C> {
    /// It waits for its time.
    Waiting { service: S, call: C },
    /// It is paid for and waits until the service is ready.
    Due { service: S, call: C },
    /// It was sent, or never will be.
    None,
}

pin_project! {
    /// The future of a hedged call.
    #[must_use = "futures do nothing unless polled"]
    pub struct Race<S, C>
    where
        S: Service<C>,
    {
        #[pin]
        first: Option<S::Future>,
        #[pin]
        second: Option<S::Future>,
        // Registered on its first poll only.
        #[pin]
        timer: Sleep,
        spare: Spare<S, C>,
        // The failure of an attempt whose rival is still on its way.
        failed: Option<Failure>,
        hedges: Arc<Hedges>,
    }
}

impl<S, C> Future for Race<S, C>
where
    S: Service<C, Error = Failure>,
{
    type Output = Result<S::Response, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let Poll::Ready(result) = self.as_mut().poll_attempts(context) {
                let this = self.as_mut().project();
                if result.is_ok() {
                    this.hedges.budget.deposit();
                }
                // The loser ends here and not when the caller drops this future.
                self.as_mut().project().first.set(None);
                self.as_mut().project().second.set(None);
                return Poll::Ready(result);
            }
            if !self.as_mut().sends_second(context) {
                return Poll::Pending;
            }
        }
    }
}

impl<S, C> Race<S, C>
where
    S: Service<C, Error = Failure>,
{
    /// The first success; a failure only when no attempt is on its way any more.
    fn poll_attempts(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<S::Response, Failure>> {
        let mut this = self.project();
        let first = this.first.as_mut().as_pin_mut().map_or(Poll::Pending, |first| first.poll(context));
        if let Poll::Ready(result) = first {
            this.first.set(None);
            match result {
                Ok(reply) => return Poll::Ready(Ok(reply)),
                // Without a rival the call has failed; the retry layer decides what follows.
                Err(failure) if this.second.is_none() => return Poll::Ready(Err(failure)),
                Err(failure) => *this.failed = Some(failure),
            }
        }
        let second = this.second.as_mut().as_pin_mut().map_or(Poll::Pending, |second| second.poll(context));
        let Poll::Ready(result) = second else { return Poll::Pending };
        this.second.set(None);
        match result {
            Ok(reply) => {
                this.hedges.metrics.won.inc();
                Poll::Ready(Ok(reply))
            }
            // A hedge that fails costs the call nothing while the first attempt is on its way.
            Err(_) if this.first.is_some() => Poll::Pending,
            Err(failure) => Poll::Ready(Err(this.failed.take().unwrap_or(failure))),
        }
    }

    /// Whether it just sent the second attempt.
    fn sends_second(self: Pin<&mut Self>, context: &mut Context<'_>) -> bool {
        let mut this = self.project();
        if matches!(this.spare, Spare::Waiting { .. }) && this.timer.as_mut().poll(context).is_ready() {
            *this.spare = match std::mem::replace(this.spare, Spare::None) {
                Spare::Waiting { service, call } if this.hedges.budget.withdraw() => {
                    Spare::Due { service, call }
                }
                _ => Spare::None,
            };
        }
        let Spare::Due { service, .. } = this.spare else { return false };
        let is_ready = match service.poll_ready(context) {
            Poll::Pending => return false,
            Poll::Ready(result) => result.is_ok(),
        };
        let Spare::Due { mut service, call } = std::mem::replace(this.spare, Spare::None) else {
            return false;
        };
        if !is_ready {
            return false;
        }
        this.hedges.metrics.sent.inc();
        this.second.set(Some(service.call(call)));
        true
    }
}
