//! Load balancing: several replicas of a callee, and the choice of one for each call.
//!
//! The stack, from the caller inwards: a buffer that all callers share, the balancer, and around each replica
//! a layer that makes it not ready for a while after a connection error.
//!
//! tower's contract for a `Service` does the rest: a caller may call a service only after its `poll_ready`
//! returned ready. So the balancer passes over a replica that returns `Pending`, and calls wait while all of
//! them do.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context as Poller, Poll, ready},
    time::Duration,
};

use contract::{Unavailable, Why};
use futures::{FutureExt as _, TryFutureExt as _, future::BoxFuture};
use resilience::Failure;
use tokio::time::{Sleep, sleep};
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

/// How long a replica is passed over after a connection error. If all are, calls wait that long.
const PASSED_OVER_FOR: Duration = Duration::from_millis(100);
/// Calls in the buffer, waiting for a replica; the buffer's `poll_ready` makes further calls wait for a slot.
const WAITING: usize = 1_024;

/// Several replicas as one service.
pub(crate) fn balanced<S>(replicas: Vec<S>, balancing: Balancing) -> BoxCloneSyncService<Call, Reply, Failure>
where
    S: Service<Call, Response = Reply, Error = Failure> + Send + 'static,
    S::Future: Send + 'static,
{
    let replicas = replicas.into_iter().map(Reachable::new);
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
    BoxCloneSyncService::new(Buffer::new(service, WAITING).map_err(|error| match error.downcast() {
        Ok(failure) => *failure,
        // The task has ended, which happens only when the process ends.
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

/// A replica that is not ready for a while after a connection error, like a subchannel of gRPC in
/// `TRANSIENT_FAILURE` (<https://github.com/grpc/grpc/blob/master/doc/connectivity-semantics-and-api.md>).
///
/// So a retried call goes to another replica.
struct Reachable<S> {
    service: S,
    /// Set by a connection error; elapses when the replica may be called again.
    wait: Arc<Mutex<Option<Pin<Box<Sleep>>>>>,
}

impl<S> Reachable<S> {
    fn new(service: S) -> Self {
        Self { service, wait: Arc::default() }
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
        let mut wait = self.wait.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sleep) = wait.as_mut() {
            // Polling the timer registers the balancer's task, which is woken when it elapses.
            ready!(sleep.poll_unpin(poller));
            *wait = None;
        }
        drop(wait);
        self.service.poll_ready(poller)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let wait = Arc::clone(&self.wait);
        // The failure is known when the reply's future ends, long after `call` returned; hence the shared
        // `wait`.
        let passed_over = move |failure: &Failure| {
            if failure.is_unreachable() {
                let sleep = Box::pin(sleep(PASSED_OVER_FOR));
                *wait.lock().unwrap_or_else(PoisonError::into_inner) = Some(sleep);
            }
        };
        Box::pin(self.service.call(call).inspect_err(passed_over))
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};
    use http_body_util::{BodyExt as _, Full};
    use resilience::{Policy, Retries, Stack, stack};

    use super::*;
    use crate::{Context, Method};

    static IDEMPOTENT: Method = method(true);
    static ONCE_ONLY: Method = method(false);

    const fn method(idempotent: bool) -> Method {
        Method {
            service: "probe",
            name: "ask",
            http_path: "/probe/ask",
            grpc_service: "lab.probe.v1.ProbeService",
            grpc_path: "/lab.probe.v1.ProbeService/Ask",
            idempotent,
        }
    }

    /// A replica that records its calls. One that is away fails them; a slow one replies after `takes`.
    #[derive(Clone)]
    struct Probe {
        number: usize,
        asked: Arc<Mutex<Vec<usize>>>,
        is_away: bool,
        takes: Duration,
    }

    impl Service<Call> for Probe {
        type Response = Reply;
        type Error = Failure;
        type Future = BoxFuture<'static, Result<Reply, Failure>>;

        fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Failure>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Call) -> Self::Future {
            self.asked.lock().expect("nobody panicked").push(self.number);
            let (is_away, takes) = (self.is_away, self.takes);
            Box::pin(async move {
                sleep(takes).await;
                if is_away {
                    return Err(Unavailable::new("probe", Why::Unreachable).into());
                }
                Ok(Response::new(Full::default().collect().await.unwrap_or_else(|never| match never {})))
            })
        }
    }

    type Asked = Arc<Mutex<Vec<usize>>>;

    /// Replicas with these reply times in milliseconds, of which `away` fail every call; and the record of
    /// calls.
    fn replicas(takes: &[u64], away: &[usize], balancing: Balancing) -> (Stack<Call, Reply>, Asked) {
        let asked = Asked::default();
        let probe = |(number, takes): (usize, &u64)| Probe {
            number,
            asked: Arc::clone(&asked),
            is_away: away.contains(&number),
            takes: Duration::from_millis(*takes),
        };
        let replicas = balanced(takes.iter().enumerate().map(probe).collect(), balancing);
        (stack(Policy::None, Duration::ZERO, Retries::default(), replicas), asked)
    }

    async fn ask(stack: &Stack<Call, Reply>, method: &'static Method) -> Result<Reply, Failure> {
        let call = Call { method, context: Context::unattended(), request: Request::default() };
        stack.clone().oneshot(call).await
    }

    fn taken(asked: &Asked) -> Vec<usize> {
        std::mem::take(&mut asked.lock().expect("nobody panicked"))
    }

    #[tokio::test]
    async fn in_turn_every_replica_gets_the_same_share() {
        let (stack, asked) = replicas(&[0; 3], &[], Balancing::RoundRobin);
        for _ in 0..9 {
            ask(&stack, &IDEMPOTENT).await.expect("all are there");
        }
        assert_eq!(taken(&asked), [0, 1, 2, 0, 1, 2, 0, 1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_choices_the_busier_is_not_taken() {
        let (stack, asked) = replicas(&[0, 1_000, 0], &[], Balancing::TwoChoices);
        // Until the second replica has a call in flight; from then on the other two are idle.
        let mut slow = Vec::new();
        while !asked.lock().expect("nobody panicked").contains(&1) {
            let stack = stack.clone();
            slow.push(tokio::spawn(async move { ask(&stack, &IDEMPOTENT).await }));
            tokio::task::yield_now().await;
        }
        taken(&asked);
        for _ in 0..200 {
            ask(&stack, &IDEMPOTENT).await.expect("all are there");
        }
        let chosen = taken(&asked);
        assert!(!chosen.contains(&1), "one of the other two is always drawn with it");
        assert!(chosen.contains(&0) && chosen.contains(&2));
    }

    #[tokio::test(start_paused = true)]
    async fn an_idempotent_call_fails_over_twice_and_no_other_call_does() {
        for balancing in [Balancing::RoundRobin, Balancing::TwoChoices] {
            let (stack, asked) = replicas(&[0; 3], &[0], balancing);
            for _ in 0..30 {
                ask(&stack, &IDEMPOTENT).await.expect("two are there");
            }
            assert!(taken(&asked).len() <= 31, "{balancing:?}: the first is passed over from then on");

            let (stack, asked) = replicas(&[0; 4], &[0, 1, 2, 3], balancing);
            ask(&stack, &IDEMPOTENT).await.expect_err("all are away");
            let mut tried = taken(&asked);
            tried.sort_unstable();
            tried.dedup();
            assert_eq!(tried.len(), 3, "{balancing:?}: twice more, and each time elsewhere");
            let lost = ask(&stack, &ONCE_ONLY).await.expect_err("all are away");
            assert_eq!(lost.unavailable.why, Why::Unreachable);
            assert_eq!(taken(&asked).len(), 1, "{balancing:?}: it may have had its effect");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_that_was_away_is_tried_again() {
        let (stack, asked) = replicas(&[0; 2], &[0], Balancing::RoundRobin);
        for _ in 0..2 {
            ask(&stack, &IDEMPOTENT).await.expect("one is there");
        }
        assert_eq!(taken(&asked), [0, 1, 1], "passed over");
        sleep(PASSED_OVER_FOR).await;
        for _ in 0..2 {
            ask(&stack, &IDEMPOTENT).await.expect("one is there");
        }
        assert!(taken(&asked).contains(&0));
    }
}
