//! The presets, through levels of callers above a callee that fails.

use std::{
    future::Pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use contract::{Unavailable, Why};
use resilience::{CallFacts, Callees, Failure, Judged, Preset, RetrySnapshot, Settings, Stack, stack};
use tokio::time::{Instant, timeout};
use tower::{Service, ServiceExt as _, service_fn, util::BoxCloneSyncService};

use crate::world::Call;

/// A reply: an error of the contract that says that something below is unavailable, or not.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Answer {
    is_unavailable: bool,
}

impl Judged<Answer> for Call {
    fn is_unavailable(&self, answer: &Answer) -> bool {
        answer.is_unavailable
    }
}

/// So many levels of callers, each with the preset, above a callee that fails every call; and what reaches it.
fn levels(preset: Preset, levels: usize) -> (Stack<Call, Answer>, Arc<AtomicUsize>) {
    let reached = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&reached);
    let fails = service_fn(move |call: Call| {
        counts.fetch_add(1, Ordering::Relaxed);
        let failure: Failure = Unavailable::new(call.service(), Why::Broken).into();
        async { Err::<Answer, _>(failure) }
    });
    let caller = |below| {
        let callee = Callees::default().get("probe", preset, &Settings::default());
        stack(&callee, below)
    };
    let mut top = caller(BoxCloneSyncService::new(fails));
    for _ in 1..levels {
        let below = top;
        // A component between two levels: what fails below it is an error of its contract.
        let component = service_fn(move |call: Call| {
            let below = below.clone();
            async move { Ok(below.oneshot(call).await.unwrap_or(Answer { is_unavailable: true })) }
        });
        top = caller(BoxCloneSyncService::new(component));
    }
    (top, reached)
}

fn read() -> Call {
    Call { deadline: Instant::now() + Duration::from_secs(2), ..Call::read() }
}

#[tokio::test(start_paused = true)]
async fn a_naive_retry_multiplies_the_load_at_each_level() {
    for depth in 1..=3 {
        let (top, reached) = levels(Preset::NaiveRetry, depth);
        for _ in 0..100 {
            let _ = top.clone().oneshot(read()).await;
        }
        assert_eq!(reached.load(Ordering::Relaxed), 100 * 3_usize.pow(depth as u32), "{depth} levels");
    }
}

#[tokio::test(start_paused = true)]
async fn a_budgeted_retry_adds_a_fifth() {
    for preset in [Preset::BudgetedRetry, Preset::Full] {
        for depth in 1..=3 {
            let (top, reached) = levels(preset, depth);
            // As many at once as there are callers, and so many that the reserve of ten a second is little.
            for _ in 0..20 {
                let calls = (0..100).map(|_| tokio::spawn(top.clone().oneshot(read())));
                for call in calls.collect::<Vec<_>>() {
                    let _ = call.await;
                }
            }
            let reached = reached.load(Ordering::Relaxed);
            assert!(reached <= 2_500, "{preset:?}, {depth} levels: 2,000 calls cost {reached}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_breaker_spares_a_callee_that_fails() {
    for preset in [Preset::Breaker, Preset::Full] {
        let (top, reached) = levels(preset, 1);
        let mut last = None;
        for _ in 0..100 {
            last = top.clone().oneshot(read()).await.err();
        }
        let (reached, last) = (reached.load(Ordering::Relaxed), last.map(|failure| failure.unavailable.why));
        assert_eq!((reached, last), (5, Some(Why::Rejected)), "{preset:?}");
    }
}

/// A transport that is never ready, like a balancer without a replica that may be called.
#[derive(Clone)]
struct NeverReady;

impl Service<Call> for NeverReady {
    type Response = Answer;
    type Error = Failure;
    type Future = Pending<Result<Answer, Failure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Pending
    }

    fn call(&mut self, _: Call) -> Self::Future {
        unreachable!("it was not ready")
    }
}

#[tokio::test(start_paused = true)]
async fn a_callee_that_is_never_ready_holds_no_call_beyond_its_deadline() {
    use Preset::{Breaker, BudgetedRetry, Full, NaiveRetry, None, Timeout};
    for preset in [None, Timeout, NaiveRetry, BudgetedRetry, Breaker, Full] {
        let callee = Callees::default().get("probe", preset, &Settings::default());
        let stack = stack(&callee, NeverReady);
        let mut reasons = Vec::new();
        for _ in 0..6 {
            let (call, began) = (read(), Instant::now());
            let limit = call.deadline - began;
            let outcome = timeout(2 * limit, stack.clone().oneshot(call)).await.expect("it ends");
            assert!(began.elapsed() <= limit + Duration::from_millis(1), "{preset:?}: {:?}", began.elapsed());
            reasons.push(outcome.expect_err("nobody answers").unavailable.why);
        }
        let last = if matches!(preset, Breaker | Full) { Why::Rejected } else { Why::TimedOut };
        assert_eq!(
            (reasons[0], reasons[5]),
            (Why::TimedOut, last),
            "{preset:?}: a breaker counts the waiting"
        );
    }
}

#[test]
fn a_snapshot_has_what_a_preset_has() {
    let callees = Callees::default();
    for (name, preset) in [("alpha", Preset::NaiveRetry), ("beta", Preset::Breaker), ("gamma", Preset::Full)]
    {
        callees.get(name, preset, &Settings::default());
    }
    let [alpha, beta, gamma] = callees.snapshot().try_into().expect("three");
    assert_eq!(
        (alpha.callee, alpha.preset, alpha.breaker, alpha.limit),
        ("alpha", "naive-retry", None, None)
    );
    let share = |retries: Option<RetrySnapshot>| retries.and_then(|retries| retries.share);
    assert_eq!((share(alpha.retries), share(beta.retries)), (None, Some(resilience::settings::RETRY_SHARE)));
    assert!(beta.breaker.is_some() && beta.limit.is_none());
    let permits = gamma.limit.map(|limit| (limit.in_flight, limit.limit));
    assert!(gamma.breaker.is_some() && permits == Some((0, resilience::settings::BULKHEAD)));
    assert_eq!(gamma.hedges.map(|hedges| hedges.sent), Some(0));
}
