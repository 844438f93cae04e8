use contract::{Unavailable, Why};
use tokio::time::Instant;

use super::*;
use crate::settings::{RETRIES_PER_SECOND, RETRY_SHARE};

#[derive(Clone)]
struct Call {
    is_idempotent: bool,
    deadline: Instant,
}

impl Call {
    fn new(is_idempotent: bool) -> Self {
        Self { is_idempotent, deadline: Instant::now() + Duration::from_secs(2) }
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

fn again(rule: Rule, retries: &RetryCounters) -> RetryPolicy {
    let settings = RetrySettings::default();
    let budget = Arc::new(budget(settings.budget));
    RetryPolicy::new(rule, settings, budget, Arc::new(Random::new(1)), retries.clone())
}

fn is_retried(policy: &mut RetryPolicy, is_idempotent: bool, failure: Failure) -> bool {
    policy.retry(&mut Call::new(is_idempotent), &mut Err::<(), _>(failure)).is_some()
}

fn failure(why: Why) -> Failure {
    Unavailable::new("probe", why).into()
}

#[test]
fn a_lost_call_is_sent_again_if_it_is_idempotent_or_nobody_acted_on_it() {
    let retries = RetryCounters::default();
    let fresh = || again(Rule::Unreachable, &retries);
    let lost = || failure(Why::Unreachable);
    assert!(is_retried(&mut fresh(), true, lost()));
    assert!(!is_retried(&mut fresh(), false, lost()));
    let not_processed = || Failure::not_processed(lost().unavailable);
    assert!(is_retried(&mut fresh(), false, not_processed()));
    for why in [Why::TimedOut, Why::Overloaded, Why::Misunderstood, Why::Broken, Why::Rejected] {
        assert!(!is_retried(&mut fresh(), true, failure(why)), "{why:?}");
    }
    assert_eq!((retries.lost.get(), retries.not_processed.get()), (1, 1));
}

#[test]
fn a_call_is_sent_again_twice_and_all_calls_share_a_budget() {
    let mut policy = again(Rule::Unreachable, &RetryCounters::default());
    let lost = || failure(Why::Unreachable);
    let mut first = policy.clone();
    for is_left in [true, true, false] {
        assert_eq!(is_retried(&mut first, true, lost()), is_left);
    }
    let granted = (0..10_000).filter(|_| is_retried(&mut policy.clone(), true, lost())).count();
    let reserve = (RETRIES_PER_SECOND * BUDGET_WINDOW.as_secs() as u32) as usize;
    assert_eq!(granted + 2, reserve, "with no answers at all there is the reserve");
    for _ in 0..50 {
        assert!(policy.retry(&mut Call::new(true), &mut Ok(())).is_none());
    }
    let granted = (0..10_000).filter(|_| is_retried(&mut policy.clone(), true, lost())).count();
    assert_eq!(granted, (50.0 * RETRY_SHARE) as usize, "a fifth of what was answered since");
}

#[tokio::test(start_paused = true)]
async fn a_backoff_is_drawn_from_a_range_that_doubles_up_to_a_cap() {
    let settings = RetrySettings { attempts: 12, ..RetrySettings::default() };
    let budget = Arc::new(budget(settings.budget));
    let mut policy = RetryPolicy::new(
        Rule::Budgeted,
        settings,
        budget,
        Arc::new(Random::new(1)),
        RetryCounters::default(),
    );
    for doublings in 0..11 {
        policy.sent = doublings + 1;
        let longest = (settings.backoff_base * 2_u32.pow(doublings)).min(settings.backoff_cap);
        let pauses: Vec<_> = (0..200).map(|_| policy.backoff(&failure(Why::Overloaded))).collect();
        assert!(pauses.iter().all(|pause| *pause < longest), "{doublings}: {pauses:?}");
        let (least, most) = (pauses.iter().min(), pauses.iter().max());
        assert!(
            least < Some(&longest.mul_f64(0.1)) && most > Some(&longest.mul_f64(0.9)),
            "all of the range"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_callee_asked_for_is_waited_for_and_never_beyond_the_deadline() {
    let retries = RetryCounters::default();
    let asked = |seconds| failure(Why::Overloaded).after(Some(Duration::from_secs(seconds)));
    let mut policy = again(Rule::Budgeted, &retries);
    let mut call = Call::new(true);
    let began = Instant::now();
    policy.retry(&mut call, &mut Err::<(), _>(asked(1))).expect("there is time").await;
    assert!(began.elapsed() >= Duration::from_secs(1) && Instant::now() < call.deadline);
    assert!(
        policy.retry(&mut call, &mut Err::<(), _>(asked(1))).is_none(),
        "it would end after the deadline"
    );
    assert_eq!((retries.overloaded.get(), retries.no_time.get()), (1, 1));
}
