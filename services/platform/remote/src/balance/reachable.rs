//! Whether a replica may be called: not during its cooldown, nor while it is ejected.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context as Poller, Poll, Waker},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use resilience::{Failure, Pool, Record};
use tokio::time::{Instant, Sleep, sleep};
use tower::Service;

use crate::call::Call;

/// The cooldown of a replica that was unreachable: how long it gets no calls. If all replicas have one, calls
/// wait that long.
pub(super) const COOLDOWN: Duration = Duration::from_millis(100);

/// A replica that is not ready for a while after it was unreachable, like a subchannel of gRPC in
/// `TRANSIENT_FAILURE` (<https://github.com/grpc/grpc/blob/master/doc/connectivity-semantics-and-api.md>), or
/// while it is ejected. Unreachable is a connection error, and also the reply of a process that is starting.
///
/// So a retried call goes to another replica.
pub(super) struct Reachable<S> {
    service: S,
    health: Arc<Health>,
}

/// What the calls to one replica found out about it.
struct Health {
    state: Mutex<State>,
    /// Where replicas are ejected: how many may be.
    pool: Option<Arc<Pool>>,
}

#[derive(Default)]
struct State {
    /// Set by a cooldown or an ejection; elapses when the replica may be called again.
    wait: Option<Pin<Box<Sleep>>>,
    /// The task that was told to wait. It is registered with the timer that it has polled, and not with one that takes that
    /// timer's place.
    parked: Option<Waker>,
    record: Record,
}

impl Health {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn succeeded(&self) {
        if let Some(pool) = &self.pool {
            self.lock().record.succeeded(pool);
        }
    }

    fn failed(&self, is_unreachable: bool) {
        let mut state = self.lock();
        let now = Instant::now().into_std();
        let ejected = self.pool.as_ref().and_then(|pool| state.record.failed(pool, now));
        let is_out = self.pool.as_ref().is_some_and(|pool| state.record.end_if_over(pool, now));
        // A late failure of an ejected replica must not shorten its wait to a cooldown.
        let time = ejected.or((is_unreachable && !is_out).then_some(COOLDOWN));
        if let Some(time) = time {
            state.wait = Some(Box::pin(sleep(time)));
            if let Some(parked) = state.parked.take() {
                parked.wake();
            }
        }
    }
}

impl<S> Reachable<S> {
    pub(super) fn new(service: S, pool: Option<Arc<Pool>>) -> Self {
        Self { service, health: Arc::new(Health { state: Mutex::default(), pool }) }
    }
}

impl<S> Service<Call> for Reachable<S>
where
    S: Service<Call, Error = Failure>,
    S::Response: 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<S::Response, Failure>>;

    fn poll_ready(&mut self, poller: &mut Poller<'_>) -> Poll<Result<(), Failure>> {
        let mut state = self.health.lock();
        if let Some(sleep) = state.wait.as_mut() {
            // Polling the timer registers the balancer's task, which is woken when it elapses.
            if sleep.poll_unpin(poller).is_pending() {
                state.parked = Some(poller.waker().clone());
                return Poll::Pending;
            }
            (state.wait, state.parked) = (None, None);
        }
        if let Some(pool) = &self.health.pool {
            // Its time is up with the wait; this puts it on probation.
            state.record.end_if_over(pool, Instant::now().into_std());
        }
        drop(state);
        self.service.poll_ready(poller)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        // The outcome is known when the reply's future ends, long after `call` returned; hence the shared
        // state.
        let watch = Watch { health: Arc::clone(&self.health), began: Instant::now(), is_over: false };
        let reply = self.service.call(call);
        Box::pin(async move {
            let result = reply.await;
            watch.ends(&result);
            result
        })
    }
}

/// Watches one call, also when its caller gives it up.
struct Watch {
    health: Arc<Health>,
    began: Instant,
    is_over: bool,
}

impl Watch {
    fn ends<R>(mut self, result: &Result<R, Failure>) {
        self.is_over = true;
        match result {
            Err(failure) if failure.is_of_the_callee() => self.health.failed(failure.is_unreachable()),
            _ => self.health.succeeded(),
        }
    }
}

impl Drop for Watch {
    /// The limit of an attempt drops a call that takes too long; a caller may drop it for any other reason.
    fn drop(&mut self) {
        let limit = self.health.pool.as_ref().filter(|_| !self.is_over).map(|pool| pool.given_up());
        if limit.is_some_and(|limit| self.began.elapsed() >= limit) {
            self.health.failed(false);
        }
    }
}
