//! The breaker as a tower layer, and its state for operators.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, UNIX_EPOCH},
};

use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use tokio::time::Instant;
use tower::{Layer, Service};

use super::machine::{Machine, Outcome, Reason, State, Ticket, Transition};
use crate::{CallFacts, Failure, Permitted, Settle, metrics::BreakerMetrics, settings::BreakerSettings};

/// A breaker that all callers of one callee in a process share. A call takes its lock twice, for some tens of
/// nanoseconds.
#[derive(Debug)]
pub struct Breaker {
    callee: &'static str,
    machine: Mutex<Machine>,
    /// A hint that spares the lock where calls pass; the machine decides.
    is_closed: AtomicBool,
    metrics: BreakerMetrics,
}

impl Breaker {
    /// A closed breaker towards a callee.
    pub fn new(
        callee: &'static str,
        settings: BreakerSettings,
        seed: u64,
        metrics: BreakerMetrics,
    ) -> Arc<Self> {
        let machine = Mutex::new(Machine::new(settings, seed, now()));
        metrics.state.set(level(State::Closed));
        Arc::new(Self { callee, machine, is_closed: AtomicBool::new(true), metrics })
    }

    /// Its state, counts and last transitions.
    pub fn snapshot(&self) -> BreakerSnapshot {
        let (now, wall) = (now(), UNIX_EPOCH.elapsed().unwrap_or_default());
        let mut machine = self.lock();
        let counts = machine.counts(now);
        let moved = |moved: &Transition| {
            let ago = now.saturating_duration_since(moved.at);
            let (ms_ago, unix_ms) = (millis(ago), millis(wall.saturating_sub(ago)));
            Moved { generation: moved.generation, to: moved.to, reason: moved.reason, ms_ago, unix_ms }
        };
        BreakerSnapshot {
            state: machine.state(),
            generation: machine.generation(),
            open_for_ms: millis(machine.open_for(now)),
            probes_in_flight: machine.probes_in_flight(),
            calls: counts.calls,
            failure_rate: counts.failure_rate(),
            slow_rate: counts.slow_rate(),
            failures_in_a_row: machine.in_a_row(),
            rejected: self.metrics.rejected.get(),
            transitions: machine.history().map(moved).collect(),
        }
    }

    fn rejects(&self) -> bool {
        !self.is_closed.load(Ordering::Relaxed) && self.with_machine(Machine::rejects)
    }

    pub(crate) fn admit(self: &Arc<Self>) -> Option<Permit> {
        let ticket = self.with_machine(Machine::admit)?;
        Some(Permit { breaker: Arc::clone(self), ticket, outcome: Outcome::Unknown })
    }

    fn with_machine<R>(&self, act: impl FnOnce(&mut Machine, std::time::Instant) -> R) -> R {
        let mut machine = self.lock();
        let before = machine.generation();
        let result = act(&mut machine, now());
        if machine.generation() != before {
            self.publish(&machine, before);
        }
        result
    }

    fn publish(&self, machine: &Machine, before: u64) {
        self.is_closed.store(machine.state() == State::Closed, Ordering::Relaxed);
        self.metrics.state.set(level(machine.state()));
        for moved in machine.history().filter(|moved| moved.generation > before) {
            self.transitions(moved.to).inc();
            tracing::info!(callee = self.callee, to = ?moved.to, reason = ?moved.reason, "circuit breaker");
        }
    }

    fn transitions(&self, to: State) -> &Counter {
        match to {
            State::Closed => &self.metrics.to_closed,
            State::HalfOpen => &self.metrics.to_half_open,
            State::Open => &self.metrics.to_open,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time as the machine takes it; tokio's clock, which a test can pause.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

fn millis(time: Duration) -> u64 {
    time.as_millis() as u64
}

/// The value of the metric `breaker_state`.
const fn level(state: State) -> i64 {
    match state {
        State::Closed => 0,
        State::HalfOpen => 1,
        State::Open => 2,
    }
}

/// A breaker as an operator reads it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BreakerSnapshot {
    /// The state; an open breaker becomes half-open when a call comes after its time.
    pub state: State,
    /// The number of transitions so far.
    pub generation: u64,
    /// The time until the first probe may pass, in milliseconds.
    pub open_for_ms: u64,
    /// Probes in flight.
    pub probes_in_flight: usize,
    /// Calls in the window.
    pub calls: u32,
    /// The share of failed calls in the window.
    pub failure_rate: f64,
    /// The share of slow calls in the window.
    pub slow_rate: f64,
    /// Failures in a row.
    pub failures_in_a_row: u32,
    /// Calls that it rejected so far.
    pub rejected: u64,
    /// The last transitions, oldest first.
    pub transitions: Vec<Moved>,
}

/// A transition as an operator reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The generation that it began.
    pub generation: u64,
    /// The state that it began.
    pub to: State,
    /// The reason.
    pub reason: Reason,
    /// How long ago, in milliseconds, by the monotonic clock.
    pub ms_ago: u64,
    /// The same as a time: milliseconds since 1970, by the wall clock at the snapshot.
    pub unix_ms: u64,
}

/// An admitted call; whatever becomes of it, its ticket goes back to the machine.
#[derive(Debug)]
pub struct Permit {
    breaker: Arc<Breaker>,
    ticket: Ticket,
    /// As far as it is known.
    pub(crate) outcome: Outcome,
}

impl Settle for Permit {
    fn settle<R>(mut self, result: &Result<R, Failure>) {
        self.outcome = match result {
            Err(failure) if failure.is_of_the_callee() => Outcome::Failure,
            // It was not sent.
            Err(failure) if failure.is_rejected() => Outcome::Unknown,
            Ok(_) | Err(_) => Outcome::Success,
        };
    }
}

/// Also when the caller goes away and drops the call: then the outcome is unknown.
impl Drop for Permit {
    fn drop(&mut self) {
        let Self { breaker, ticket, outcome } = self;
        breaker.with_machine(|machine, now| machine.settle(ticket, *outcome, now));
    }
}

/// Puts a breaker before a service.
#[derive(Clone, Debug)]
pub struct BreakerLayer(Arc<Breaker>);

impl BreakerLayer {
    /// A layer of this breaker.
    pub const fn new(breaker: Arc<Breaker>) -> Self {
        Self(breaker)
    }
}

impl<S> Layer<S> for BreakerLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { breaker: Arc::clone(&self.0), inner, is_ready: false }
    }
}

/// A service behind a breaker.
#[derive(Debug)]
pub struct Guarded<S> {
    breaker: Arc<Breaker>,
    inner: S,
    /// Whether the inner service is ready for a call.
    is_ready: bool,
}

/// Readiness belongs to one clone.
impl<S: Clone> Clone for Guarded<S> {
    fn clone(&self) -> Self {
        Self { breaker: Arc::clone(&self.breaker), inner: self.inner.clone(), is_ready: false }
    }
}

impl<C, S> Service<C> for Guarded<S>
where
    C: CallFacts,
    S: Service<C, Error = Failure>,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = Permitted<S::Future, Permit>;

    /// Ready at once where the call will be rejected: a caller must not wait for replicas that are away to hear
    /// that nobody is called.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.is_ready = false;
        if !self.breaker.rejects() {
            ready!(self.inner.poll_ready(context))?;
            self.is_ready = true;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: C) -> Self::Future {
        let service = call.service();
        let is_ready = std::mem::take(&mut self.is_ready);
        let Some(permit) = is_ready.then(|| self.breaker.admit()).flatten() else {
            self.breaker.metrics.rejected.inc();
            return Permitted::rejected(service);
        };
        Permitted::new(self.inner.call(call), permit, service)
    }
}
