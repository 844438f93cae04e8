//! A scripted callee, its calls, and the time.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use contract::{Unavailable, Why};
use resilience::{CallFacts, Failure, Judged};
use tokio::{sync::Notify, task::JoinHandle, time::Instant};
use tower::{Service, ServiceExt as _, util::BoxCloneSyncService};

pub(crate) const MS: Duration = Duration::from_millis(1);
/// Longer than any check. A call that takes so long ends when it is released.
pub(crate) const FOREVER: Duration = Duration::from_secs(100_000);

/// The future of a call.
pub(crate) type Reply = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// A call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) is_idempotent: bool,
    pub(crate) deadline: Instant,
}

impl Call {
    pub(crate) fn read() -> Self {
        Self { is_idempotent: true, deadline: Instant::now() + FOREVER }
    }

    pub(crate) fn write() -> Self {
        Self { is_idempotent: false, ..Self::read() }
    }
}

impl CallFacts for Call {
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn idempotent(&self) -> bool {
        self.is_idempotent
    }

    fn service(&self) -> &'static str {
        "probe"
    }
}

impl Judged<()> for Call {}

/// Something that protects the callee.
pub(crate) type Caller = BoxCloneSyncService<Call, (), Failure>;

/// What the callee does with a call.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    Answers,
    Fails(Failure),
}

impl Does {
    pub(crate) fn fails(why: Why) -> Self {
        Self::Fails(Unavailable::new("probe", why).into())
    }
}

/// The callee: it does what it is told, and notes who comes.
#[derive(Clone)]
pub(crate) struct Callee {
    told: Arc<Mutex<(Does, Duration)>>,
    seen: Arc<Seen>,
    is_real: bool,
    /// Of this clone, since its last call.
    was_polled: bool,
}

#[derive(Default)]
struct Seen {
    arrivals: Mutex<Vec<Instant>>,
    in_flight: AtomicUsize,
    most: AtomicUsize,
    unready: AtomicUsize,
    released: Notify,
}

impl Callee {
    fn new(is_real: bool) -> Self {
        let told = Arc::new(Mutex::new((Does::Answers, Duration::ZERO)));
        Self { told, seen: Arc::default(), is_real, was_polled: false }
    }

    /// From now on it does this, after so long.
    pub(crate) fn now(&self, does: Does, takes: Duration) {
        *self.told.lock().unwrap() = (does, takes);
    }

    /// The calls that came.
    pub(crate) fn arrivals(&self) -> usize {
        self.seen.arrivals.lock().unwrap().len()
    }

    /// When they came.
    pub(crate) fn arrived(&self) -> Vec<Instant> {
        self.seen.arrivals.lock().unwrap().clone()
    }

    /// The calls that it works on.
    pub(crate) fn in_flight(&self) -> usize {
        self.seen.in_flight.load(Ordering::Relaxed)
    }

    /// The most that it worked on at the same time.
    pub(crate) fn most(&self) -> usize {
        self.seen.most.load(Ordering::Relaxed)
    }

    /// Calls of a clone that was not asked whether it is ready.
    pub(crate) fn unready(&self) -> usize {
        self.seen.unready.load(Ordering::Relaxed)
    }
}

struct InFlight(Arc<Seen>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Service<Call> for Callee {
    type Response = ();
    type Error = Failure;
    type Future = Reply;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.was_polled = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Call) -> Self::Future {
        let (does, takes) = self.told.lock().unwrap().clone();
        let (seen, is_real) = (Arc::clone(&self.seen), self.is_real);
        if !std::mem::take(&mut self.was_polled) {
            seen.unready.fetch_add(1, Ordering::Relaxed);
        }
        Box::pin(async move {
            seen.arrivals.lock().unwrap().push(Instant::now());
            let now = seen.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
            seen.most.fetch_max(now, Ordering::Relaxed);
            let _in_flight = InFlight(Arc::clone(&seen));
            if takes == FOREVER {
                seen.released.notified().await;
            }
            pass(takes, is_real).await;
            match does {
                Does::Answers => Ok(()),
                Does::Fails(failure) => Err(failure),
            }
        })
    }
}

/// Lets time pass: on tokio's clock, and on the machine's for an implementation that reads that one.
async fn pass(time: Duration, is_real: bool) {
    if time.is_zero() || time == FOREVER {
        return;
    }
    if is_real {
        std::thread::sleep(time);
    }
    tokio::time::sleep(time).await;
}

/// A wall clock, which somebody may set.
#[derive(Clone)]
pub(crate) struct Wall {
    began: Instant,
    set_by: Arc<AtomicI64>,
}

impl Wall {
    /// Milliseconds since some moment.
    pub(crate) fn millis(&self) -> i64 {
        self.began.elapsed().as_millis() as i64 + self.set_by.load(Ordering::Relaxed)
    }

    pub(crate) fn set_back(&self, by: Duration) {
        self.set_by.fetch_sub(by.as_millis() as i64, Ordering::Relaxed);
    }
}

/// A callee, what protects it, and the time.
pub(crate) struct World {
    pub(crate) caller: Caller,
    pub(crate) callee: Callee,
    pub(crate) wall: Wall,
    is_real: bool,
}

impl World {
    /// `is_real`: the implementation reads the machine's clock, so that it has to pass as well.
    pub(crate) fn new(is_real: bool, protect: impl FnOnce(Callee, Wall) -> Caller) -> Self {
        let wall = Wall { began: Instant::now(), set_by: Arc::default() };
        let callee = Callee::new(is_real);
        Self { caller: protect(callee.clone(), wall.clone()), callee, wall, is_real }
    }

    pub(crate) async fn pass(&self, time: Duration) {
        pass(time, self.is_real).await;
    }

    /// A call, to its end.
    pub(crate) async fn call(&self, call: Call) -> Result<(), Failure> {
        self.caller.clone().oneshot(call).await
    }

    /// Reads, one after the other; how many ended well.
    pub(crate) async fn reads(&self, calls: usize) -> usize {
        let mut well = 0;
        for _ in 0..calls {
            well += usize::from(self.call(Call::read()).await.is_ok());
        }
        well
    }

    /// A read that goes on by itself.
    pub(crate) fn spawn(&self) -> JoinHandle<Result<(), Failure>> {
        tokio::spawn(self.caller.clone().oneshot(Call::read()))
    }

    /// Reads that go on by themselves, each begun when this returns.
    pub(crate) async fn spawn_all(&self, calls: usize) -> Vec<JoinHandle<Result<(), Failure>>> {
        let spawned = (0..calls).map(|_| self.spawn()).collect();
        // Each task has its turns before this one goes on.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        spawned
    }

    /// Ends calls that would take for ever.
    pub(crate) async fn release(&self, calls: Vec<JoinHandle<Result<(), Failure>>>) {
        self.callee.seen.released.notify_waiters();
        for call in calls {
            let _ = call.await;
        }
    }

    /// Whether the next read reaches the callee.
    pub(crate) async fn reaches(&self) -> bool {
        let before = self.callee.arrivals();
        let _ = self.call(Call::read()).await;
        self.callee.arrivals() > before
    }
}
