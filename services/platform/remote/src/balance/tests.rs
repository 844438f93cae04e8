use std::{sync::Mutex, time::Duration};

use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use resilience::{Callees, Preset, Priority, Settings, Stack, TimeLimit, stack};
use tokio::time::{Instant, sleep, timeout};
use tower::Layer as _;

use super::{reachable::COOLDOWN, *};
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
        priority: Priority::Normal,
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
    let replicas = balanced(takes.iter().enumerate().map(probe).collect(), balancing, None);
    let callee = Callees::default().get("probe", Preset::None, &Settings::default());
    (stack(&callee, replicas), asked)
}

async fn ask(stack: &Stack<Call, Reply>, method: &'static Method) -> Result<Reply, Failure> {
    let call = Call::new(method, Context::unattended(), Request::default());
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

/// A call waits for the end of a cooldown, and an earlier call fails meanwhile, which begins another one.
#[tokio::test(start_paused = true)]
async fn a_cooldown_that_another_takes_the_place_of_ends_as_well() {
    const TAKES: u64 = 50;
    for balancing in [Balancing::RoundRobin, Balancing::TwoChoices] {
        let (stack, asked) = replicas(&[TAKES], &[0], balancing);
        let begun = |after: u64| {
            let stack = stack.clone();
            tokio::spawn(async move {
                sleep(Duration::from_millis(after)).await;
                ask(&stack, &ONCE_ONLY).await
            })
        };
        let calls = [begun(0), begun(TAKES - 10), begun(TAKES + 10)];
        for call in calls {
            let ended =
                timeout(5 * COOLDOWN, call).await.expect("it does not wait for ever").expect("no panic");
            assert_eq!(ended.expect_err("it is away").unavailable.why, Why::Unreachable, "{balancing:?}");
        }
        assert_eq!(taken(&asked), [0, 0, 0], "{balancing:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_was_away_is_tried_again() {
    let (stack, asked) = replicas(&[0; 2], &[0], Balancing::RoundRobin);
    for _ in 0..2 {
        ask(&stack, &IDEMPOTENT).await.expect("one is there");
    }
    assert_eq!(taken(&asked), [0, 1, 1], "passed over");
    sleep(COOLDOWN).await;
    for _ in 0..2 {
        ask(&stack, &IDEMPOTENT).await.expect("one is there");
    }
    assert!(taken(&asked).contains(&0));
}

/// A replica that is not ready, for as long as the test lasts.
struct Out;

impl Service<Call> for Out {
    type Response = Reply;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Reply, Failure>>;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Failure>> {
        Poll::Pending
    }

    fn call(&mut self, _: Call) -> Self::Future {
        unreachable!("it was not ready")
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline_with_every_replica_out_and_the_buffer_full() {
    const TIME: Duration = Duration::from_secs(2);
    for (balancing, preset) in [
        (Balancing::RoundRobin, Preset::None),
        (Balancing::TwoChoices, Preset::None),
        (Balancing::TwoChoices, Preset::Timeout),
    ] {
        let callee = Callees::default().get("probe", preset, &Settings::default());
        let stack = stack(&callee, balanced(vec![Out, Out], balancing, None));
        let ask = || {
            let context = Context { deadline: Instant::now() + TIME, ..Context::unattended() };
            let (stack, began) = (stack.clone(), Instant::now());
            tokio::spawn(async move {
                let outcome = stack.oneshot(Call::new(&IDEMPOTENT, context, Request::default()));
                let outcome = timeout(2 * TIME, outcome).await.expect("it ends");
                (outcome.expect_err("all are out").unavailable.why, began.elapsed())
            })
        };
        // More than the buffer has slots for; and calls that find it full of calls that were given up.
        for _ in 0..2 {
            for call in (0..WAITING + 10).map(|_| ask()).collect::<Vec<_>>() {
                let (why, took) = call.await.expect("it ends");
                assert_eq!(why, Why::TimedOut, "{balancing:?}, {preset:?}");
                assert!(took <= TIME + Duration::from_millis(1), "{balancing:?}, {preset:?}: {took:?}");
            }
        }
    }
}

fn ejection() -> EjectionSettings {
    EjectionSettings::default()
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_hangs_is_ejected_and_comes_back_on_probation() {
    for balancing in [Balancing::RoundRobin, Balancing::TwoChoices] {
        let asked = Asked::default();
        let probe = |number: usize| Probe {
            number,
            asked: Arc::clone(&asked),
            is_away: false,
            // The first takes far longer than an attempt may.
            takes: Duration::from_secs(if number == 0 { 3_600 } else { 0 }),
        };
        let replicas = balanced((0..2).map(probe).collect(), balancing, Some(ejection()));
        let replicas = TimeLimit::per_attempt(Duration::from_secs(1)).layer(replicas);
        // Calls, of which the failed ones went to the first replica.
        let calls = async |calls: usize| {
            let mut failed = 0;
            for _ in 0..calls {
                let call = Call::new(&ONCE_ONLY, Context::unattended(), Request::default());
                failed += usize::from(replicas.clone().oneshot(call).await.is_err());
            }
            let first = taken(&asked).iter().filter(|number| **number == 0).count();
            assert_eq!(failed, first, "{balancing:?}");
            failed
        };
        assert_eq!(calls(100).await, ejection().after as usize, "{balancing:?}: then it is out");
        sleep(ejection().base).await;
        assert_eq!(calls(100).await, 1, "{balancing:?}: one failure is enough on probation");
        sleep(ejection().base).await;
        assert_eq!(calls(100).await, 0, "{balancing:?}: it is out for longer");
    }
}

#[tokio::test(start_paused = true)]
async fn of_replicas_that_all_fail_at_most_half_are_ejected() {
    for balancing in [Balancing::RoundRobin, Balancing::TwoChoices] {
        let asked = Asked::default();
        let probe =
            |number| Probe { number, asked: Arc::clone(&asked), is_away: true, takes: Duration::ZERO };
        // Without a preset's breaker, which would open.
        let replicas = balanced((0..4).map(probe).collect(), balancing, Some(ejection()));
        let ask = || {
            let call = Call::new(&ONCE_ONLY, Context::unattended(), Request::default());
            replicas.clone().oneshot(call)
        };
        for _ in 0..40 {
            ask().await.expect_err("all are away");
        }
        taken(&asked);
        for _ in 0..20 {
            ask().await.expect_err("all are away");
        }
        let mut tried = taken(&asked);
        tried.sort_unstable();
        tried.dedup();
        assert_eq!(tried.len(), 2, "{balancing:?}: {tried:?}");
    }
}
