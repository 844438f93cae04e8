//! A limit of the calls in flight: fixed (a bulkhead), or as many as the callee can bear.
//!
//! Nothing waits for a permit: a queue would add its waiting time to every call, also to those that end in
//! time, and hide from the caller that the callee is slow (resilience4j's bulkhead waits 0 ms by default).

mod aimd;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

pub use aimd::Aimd;
use contract::Why;
use serde::Serialize;
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::{
    CallFacts, Failure, Permitted, Settle,
    metrics::LimitMetrics,
    settings::{AdaptiveSettings, LimitSettings},
};

/// Permits for calls in flight, which all callers of a callee share.
#[derive(Debug)]
pub struct Limit {
    in_flight: AtomicUsize,
    most: AtomicUsize,
    adaptive: Option<Adaptive>,
    metrics: LimitMetrics,
}

#[derive(Debug)]
struct Adaptive {
    settings: AdaptiveSettings,
    aimd: Mutex<Aimd>,
}

/// What a call that ended says about the load of the callee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It was answered; whether in time, its duration says.
    Answered,
    /// It timed out, or the callee is overloaded.
    Dropped,
    /// Nothing: it failed for another reason.
    None,
    /// The caller went away. That is a drop if it had waited for a slow call by then, and says nothing otherwise: callers
    /// leave for reasons of their own, but where all of them leave because they wait in vain, nothing else tells.
    Left,
}

impl Limit {
    /// A limit with all permits free.
    pub fn new(settings: LimitSettings, metrics: LimitMetrics) -> Arc<Self> {
        let (limit, adaptive) = match settings {
            LimitSettings::Fixed(limit) => (limit, None),
            LimitSettings::Adaptive(settings) => {
                (settings.first, Some(Adaptive { settings, aimd: Mutex::new(Aimd::new(settings)) }))
            }
        };
        metrics.set(limit);
        Arc::new(Self { in_flight: AtomicUsize::new(0), most: AtomicUsize::new(limit), adaptive, metrics })
    }

    /// Its state.
    pub fn snapshot(&self) -> LimitSnapshot {
        let (in_flight, limit) = (self.in_flight(), self.limit());
        LimitSnapshot { in_flight, limit, rejected: self.metrics.rejected.get() }
    }

    /// Calls in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// The limit.
    pub fn limit(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// Takes a permit if fewer than this share of the limit are taken.
    pub fn try_acquire(self: &Arc<Self>, share: f64) -> Option<Permit> {
        let limit = self.limit();
        // At least one, or a low class of a low limit could never pass.
        let most = ((limit as f64 * share) as usize).max(limit.min(1));
        // Compared before it is raised: a counter that is raised first would refuse calls for which there is a
        // permit, while others are just being refused.
        let taken = self
            .in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| (taken < most).then_some(taken + 1));
        let Ok(before) = taken else {
            self.metrics.rejected.inc();
            return None;
        };
        // A fixed limit needs no time.
        let began = self.adaptive.as_ref().map(|_| Instant::now());
        Some(Permit { limit: Arc::clone(self), in_flight: before + 1, began, signal: Signal::Left })
    }

    fn release(&self, in_flight: usize, began: Option<Instant>, signal: Signal) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let (Some(Adaptive { settings, aimd }), Some(began)) = (&self.adaptive, began) else { return };
        let now = Instant::now();
        let is_slow = now.saturating_duration_since(began) >= settings.slow;
        let is_drop = match signal {
            Signal::None => return,
            Signal::Left if !is_slow => return,
            Signal::Dropped => true,
            Signal::Answered | Signal::Left => is_slow,
        };
        let mut aimd = aimd.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = aimd.settle(began.into_std(), now.into_std(), in_flight, is_drop);
        if limit != self.most.swap(limit, Ordering::Relaxed) {
            self.metrics.set(limit);
        }
    }
}

/// A limit as an operator reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LimitSnapshot {
    /// Calls in flight.
    pub in_flight: usize,
    /// Calls that may be in flight.
    pub limit: usize,
    /// Calls that it rejected so far.
    pub rejected: u64,
}

/// The right to one call in flight. It is free again when it is dropped, whatever became of the call.
#[derive(Debug)]
pub struct Permit {
    limit: Arc<Limit>,
    /// Calls in flight when this one began, itself included.
    in_flight: usize,
    began: Option<Instant>,
    signal: Signal,
}

impl Permit {
    /// Ends the call with what it says about the callee's load.
    pub fn end(mut self, signal: Signal) {
        self.signal = signal;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limit.release(self.in_flight, self.began, self.signal);
    }
}

/// Puts a limit before a service.
#[derive(Clone, Debug)]
pub struct LimitLayer(Arc<Limit>);

impl LimitLayer {
    /// A layer of this limit.
    pub const fn new(limit: Arc<Limit>) -> Self {
        Self(limit)
    }
}

impl<S> Layer<S> for LimitLayer {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited { limit: Arc::clone(&self.0), inner }
    }
}

/// A service of which so many calls may be in flight.
#[derive(Clone, Debug)]
pub struct Limited<S> {
    limit: Arc<Limit>,
    inner: S,
}

impl<C, S> Service<C> for Limited<S>
where
    C: CallFacts,
    S: Service<C, Error = Failure>,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = Permitted<S::Future, Permit>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: C) -> Self::Future {
        let service = call.service();
        match self.limit.try_acquire(1.0) {
            Some(permit) => Permitted::new(self.inner.call(call), permit, service),
            None => Permitted::rejected(service),
        }
    }
}

impl Settle for Permit {
    fn settle<R>(self, result: &Result<R, Failure>) {
        self.end(signal(result));
    }
}

fn signal<R>(result: &Result<R, Failure>) -> Signal {
    match result.as_ref().map_err(|failure| failure.unavailable.why) {
        Ok(_) => Signal::Answered,
        Err(Why::TimedOut | Why::Overloaded) => Signal::Dropped,
        Err(_) => Signal::None,
    }
}
