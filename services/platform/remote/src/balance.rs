//! Load balancing: several replicas of a callee, and the choice of one for each call.
//!
//! The stack, from the caller inwards: a buffer that all callers share, the balancer, and around each replica
//! a layer that makes it not ready for a while: the cooldown after it was unreachable, or its ejection by
//! outlier detection.
//!
//! tower's contract for a `Service` does the rest: a caller may call a service only after its `poll_ready`
//! returned ready. So the balancer passes over a replica that returns `Pending`, and calls wait in the buffer
//! while all of them do. The time limit is outside the buffer, so it also bounds the wait for a replica and for a
//! slot.
//!
//! The invariant of the buffer: no replica's `poll_ready` fails. An `Err` there ends the buffer's task, and every
//! call to the callee fails from then on. So a replica reports what it finds as the outcome of a call.

mod reachable;

use std::{
    sync::Arc,
    task::{Context as Poller, Poll},
};

use contract::{Unavailable, Why};
use reachable::Reachable;
use resilience::{Failure, Pool, settings::EjectionSettings};
use tower::{
    BoxError, Service, ServiceExt as _,
    balance::p2c::Balance,
    buffer::Buffer,
    discover::ServiceList,
    load::{CompleteOnResponse, PendingRequests},
    util::BoxCloneSyncService,
};

use crate::call::{Call, Reply};

/// The choice of a replica, as the axis `balancing` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balancing {
    /// Each replica in turn, regardless of its load.
    RoundRobin,
    /// Two replicas drawn at random, and of these the one with fewer calls in flight from this process
    /// (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
    TwoChoices,
}

/// Calls in the buffer, waiting for a replica; the buffer's `poll_ready` makes further calls wait for a slot.
/// A call that is given up keeps its slot until the task finds out that nobody waits for it.
const WAITING: usize = 1_024;

/// Several replicas as one service. With `ejection`, a replica that fails again and again is passed over for a
/// growing time.
pub(crate) fn balanced<S>(
    replicas: Vec<S>,
    balancing: Balancing,
    ejection: Option<EjectionSettings>,
) -> BoxCloneSyncService<Call, Reply, Failure>
where
    S: Service<Call, Response = Reply, Error = Failure> + Send + 'static,
    S::Future: Send + 'static,
{
    let pool = ejection.map(|settings| Arc::new(Pool::new(settings, replicas.len())));
    let replicas = replicas.into_iter().map(|replica| Reachable::new(replica, pool.clone()));
    // All callers share one balancer, because it holds the turn and the numbers of calls in flight.
    match balancing {
        Balancing::RoundRobin => shared(RoundRobin { replicas: replicas.collect(), next: 0 }),
        Balancing::TwoChoices => {
            // Walkthrough. `PendingRequests` counts a replica's calls in flight, each up to its complete
            // reply. `Balance` compares the counts of two ready replicas at random. It polls the chosen one
            // again right before the call; if that returns `Pending`, the replica leaves the ready set until
            // it wakes the balancer. `ServiceList` is a discovery that never changes.
            let counted = |replica| PendingRequests::new(replica, CompleteOnResponse::default());
            shared(Balance::new(ServiceList::new(replicas.map(counted).collect::<Vec<_>>())))
        }
    }
}

/// One service for all callers. `Buffer` spawns a task that owns the service; each clone of the buffer sends
/// to that task's queue. The task waits for a ready replica and hands the caller the future of the reply, so
/// a slow reply does not block the queue.
fn shared<S>(service: S) -> BoxCloneSyncService<Call, Reply, Failure>
where
    S: Service<Call, Response = Reply> + Send + 'static,
    S::Error: Into<BoxError> + Send + Sync,
    S::Future: Send + 'static,
{
    // `Buffer` boxes the failure of a call as it is, so it can be taken out of the box again.
    BoxCloneSyncService::new(Buffer::new(service, WAITING).map_err(|error| match error.downcast() {
        Ok(failure) => *failure,
        // The task has ended: by the invariant above only when the process ends.
        Err(_) => Failure::not_processed(Unavailable::new("every replica", Why::Unreachable)),
    }))
}

/// Each replica in turn; one that is not ready is passed over.
struct RoundRobin<S> {
    replicas: Vec<S>,
    next: usize,
}

impl<S: Service<Call>> Service<Call> for RoundRobin<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, poller: &mut Poller<'_>) -> Poll<Result<(), S::Error>> {
        for step in 0..self.replicas.len() {
            let at = (self.next + step) % self.replicas.len();
            if self.replicas[at].poll_ready(poller)?.is_ready() {
                self.next = at;
                // tower's contract: the next `call` uses the replica whose readiness this `Ready` reports.
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Pending
    }

    fn call(&mut self, call: Call) -> S::Future {
        let at = self.next;
        self.next = (at + 1) % self.replicas.len();
        self.replicas[at].call(call)
    }
}

#[cfg(test)]
mod tests;
