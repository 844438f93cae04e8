//! The contract of `decisions`, over every way to reach it.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use contract::{MonotonicTicks, Unavailable, Why};
use limiter::{
    Algorithm, Ask, Asks, Capacity, CountError, Counts, Decision, DecisionError, DecisionService, Decisions,
    Fact, KeySource, Keying, Limit, LocalCounts, MAX_ASKS, MAX_COST, MAX_FACTS, Mode, OnFailure, Policy,
    PolicySet, Take, Taken, Verdict,
};
use limiter_app::remotes::decisions;
use system_tests::placed::{WAYS, placed};

/// Counts that may be unavailable.
struct Fickle {
    counts: LocalCounts,
    is_away: AtomicBool,
}

#[async_trait]
impl Counts for Fickle {
    async fn take(&self, take: Take) -> Result<Taken, CountError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(Unavailable::new("counts", Why::TimedOut).into());
        }
        self.counts.take(take).await
    }
}

fn counts() -> Arc<Fickle> {
    let ticks = Arc::new(MonotonicTicks::new());
    let counts = LocalCounts::new(Algorithm::Gcra, Capacity::default(), [7; 16], ticks);
    Arc::new(Fickle { counts, is_away: AtomicBool::new(false) })
}

fn policy(name: &str, key: KeySource, requests: u64, mode: Mode) -> Policy {
    let limits = vec![Limit::new(requests, Duration::from_hours(1), None).unwrap()];
    Policy { name: name.to_owned(), key, limits, exempt: vec!["monitor".to_owned()], mode }
}

fn ask(facts: &[(&str, &str)]) -> Ask {
    let fact =
        |(name, value): &(&str, &str)| Fact { name: (*name).to_owned().into(), value: (*value).to_owned() };
    Ask { facts: facts.iter().map(fact).collect(), cost: 1 }
}

async fn decide(decisions: &dyn Decisions, facts: &[(&str, &str)]) -> Decision {
    decisions.decide(ask(facts)).await.unwrap()
}

fn passes(decision: &Decision) -> bool {
    matches!(decision.verdict, Verdict::Admitted(_))
}

#[tokio::test]
async fn decisions_keep_their_promises_however_they_are_reached() {
    for (way_name, way) in WAYS {
        for (keying, on_failure) in [
            (Keying::PerClient, OnFailure::Open),
            (Keying::PerClient, OnFailure::Closed),
            (Keying::Shared, OnFailure::Open),
        ] {
            println!("{way_name}, {keying:?}, {on_failure:?}");
            let counts = counts();
            let service = Arc::new(DecisionService::new(Arc::clone(&counts) as _, on_failure, keying));
            let decisions = placed::<decisions::ThisContract>(way, Arc::clone(&service) as _).await;
            assert!(passes(&decide(&*decisions, &[]).await), "without policies everything passes");
            each_client_has_a_count_of_its_own_unless_all_share_one(&*decisions, &service, keying).await;
            every_policy_applies_and_a_dry_run_only_tells(&*decisions, &service).await;
            who_is_exempt_is_not_counted(&*decisions, &service).await;
            questions_about_one_request_are_all_charged_or_none_is(&*decisions, &service).await;
            what_cannot_be_asked_is_refused(&*decisions).await;
            what_nobody_can_count_is_as_the_wiring_says(&*decisions, &counts, on_failure).await;
        }
    }
}

async fn each_client_has_a_count_of_its_own_unless_all_share_one(
    decisions: &dyn Decisions,
    service: &DecisionService,
    keying: Keying,
) {
    let policies = vec![policy("each", KeySource::Token, 2, Mode::Enforce)];
    service.set_policies(PolicySet { version: 1, policies });
    for remaining in [1, 0] {
        let decision = decide(decisions, &[("token", "a"), ("address", "192.0.2.1")]).await;
        assert!(passes(&decision) && decision.counted && !decision.would_refuse);
        let standing = &decision.standings[0];
        assert_eq!((standing.policy.as_str(), standing.remaining), ("each", remaining));
        assert_eq!(standing.limit.requests(), 2);
    }
    let refused = decide(decisions, &[("token", "a")]).await;
    assert!(matches!(refused.verdict, Verdict::Refused(Some(after)) if !after.is_zero()), "{refused:?}");
    let expected = keying == Keying::PerClient;
    assert_eq!(passes(&decide(decisions, &[("token", "b")]).await), expected);
    assert_eq!(passes(&decide(decisions, &[]).await), expected, "no token is a client too");
}

async fn every_policy_applies_and_a_dry_run_only_tells(decisions: &dyn Decisions, service: &DecisionService) {
    let policies = vec![
        policy("tokens", KeySource::Token, 10, Mode::Enforce),
        policy("headers", KeySource::Header("x-tenant".to_owned()), 4, Mode::Enforce),
        policy("dry", KeySource::Everyone, 1, Mode::Count),
    ];
    service.set_policies(PolicySet { version: 2, policies });
    let facts = [("token", "every"), ("header:x-tenant", "every")];
    for number in 0..4 {
        let decision = decide(decisions, &facts).await;
        assert_eq!((passes(&decision), decision.would_refuse), (true, number > 0), "{decision:?}");
        let names: Vec<_> = decision.standings.iter().map(|standing| standing.policy.as_str()).collect();
        assert_eq!(names, ["tokens", "headers", "dry"]);
    }
    assert!(!passes(&decide(decisions, &facts).await), "the tenant's limit is the narrower one");
}

async fn who_is_exempt_is_not_counted(decisions: &dyn Decisions, service: &DecisionService) {
    let policies = vec![policy("strict", KeySource::Token, 1, Mode::Enforce)];
    service.set_policies(PolicySet { version: 3, policies });
    for _ in 0..5 {
        let decision = decide(decisions, &[("token", "monitor")]).await;
        assert!(passes(&decision) && decision.standings.is_empty(), "{decision:?}");
    }
}

async fn questions_about_one_request_are_all_charged_or_none_is(
    decisions: &dyn Decisions,
    service: &DecisionService,
) {
    let policies = vec![policy("asks", KeySource::Everyone, 5, Mode::Enforce)];
    service.set_policies(PolicySet { version: 4, policies });
    let asks =
        |costs: &[u32]| Asks { asks: costs.iter().map(|cost| Ask { cost: *cost, ..ask(&[]) }).collect() };
    let left = |decided: Vec<Decision>| -> Vec<(bool, u32)> {
        decided.iter().map(|it| (passes(it), it.standings[0].remaining)).collect()
    };
    assert_eq!(
        left(decisions.decide_all(asks(&[2, 0, 1])).await.unwrap()),
        [(true, 3), (true, 3), (true, 2)]
    );
    assert_eq!(left(decisions.decide_all(asks(&[2, 1])).await.unwrap()), [(true, 2), (false, 2)]);
    let never = decisions.decide_all(asks(&[6])).await.unwrap();
    assert_eq!(never[0].verdict, Verdict::Refused(None));
    assert_eq!(left(decisions.decide_all(asks(&[2])).await.unwrap()), [(true, 0)]);
    assert_eq!(decisions.decide_all(asks(&[1; MAX_ASKS + 1])).await, Err(DecisionError::TooManyAsks));
}

async fn what_cannot_be_asked_is_refused(decisions: &dyn Decisions) {
    for (facts, cost, error) in [
        (vec![("token", "a"); MAX_FACTS + 1], 1, DecisionError::TooManyFacts),
        (vec![], 0, DecisionError::Cost),
        (vec![], MAX_COST + 1, DecisionError::Cost),
    ] {
        assert_eq!(decisions.decide(Ask { cost, ..ask(&facts) }).await, Err(error));
    }
}

async fn what_nobody_can_count_is_as_the_wiring_says(
    decisions: &dyn Decisions,
    counts: &Fickle,
    on_failure: OnFailure,
) {
    counts.is_away.store(true, Ordering::SeqCst);
    let decision = decide(decisions, &[("token", "uncounted")]).await;
    assert_eq!(passes(&decision), on_failure == OnFailure::Open);
    assert!(!decision.counted && decision.standings.is_empty(), "{decision:?}");
    counts.is_away.store(false, Ordering::SeqCst);
    assert!(decide(decisions, &[("token", "counted")]).await.counted);
}
