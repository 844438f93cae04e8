//! Decisions over counts that a test can observe or break.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use contract::{Unavailable, Why};
use limiter::{
    Algorithm, Ask, Asks, Capacity, CountError, Counts, Decision, DecisionError, DecisionService, Decisions,
    Fact, KeySource, Keying, Limit, LocalCounts, MAX_ASKS, MAX_CHARGES, MAX_COST, MAX_FACTS, MAX_KEY_BYTES,
    MAX_LIMITS, MAX_POLICIES, Mode, OnFailure, Policy, PolicySet, RETRY_UNCOUNTED, Take, Taken, Verdict,
};

use crate::support::{a_second, at_once, counts};

const AT_ONCE: Verdict = Verdict::Admitted(Duration::ZERO);

/// Counts that record their calls, and fail on demand.
struct Watched {
    inner: LocalCounts,
    takes: Mutex<Vec<Take>>,
    broken: bool,
}

#[async_trait]
impl Counts for Watched {
    async fn take(&self, take: Take) -> Result<Taken, CountError> {
        self.takes.lock().unwrap().push(take.clone());
        if self.broken {
            return Err(Unavailable::new("counts", Why::Unreachable).into());
        }
        self.inner.take(take).await
    }
}

struct Scene {
    counts: Arc<Watched>,
    decisions: DecisionService,
}

impl Scene {
    fn new(policies: &[Policy]) -> Self {
        Self::with(policies, Algorithm::Gcra, Keying::PerClient, None)
    }

    fn with(policies: &[Policy], algorithm: Algorithm, keying: Keying, broken: Option<OnFailure>) -> Self {
        let inner = counts(algorithm, Capacity::default()).0;
        let counts = Arc::new(Watched { inner, takes: Mutex::default(), broken: broken.is_some() });
        let shared = Arc::clone(&counts) as Arc<dyn Counts>;
        let decisions = DecisionService::new(shared, broken.unwrap_or_default(), keying);
        decisions.set_policies(PolicySet { version: 1, policies: policies.to_vec() });
        Self { counts, decisions }
    }

    fn decide(&self, facts: &[(&str, &str)]) -> Decision {
        at_once(self.decisions.decide(ask(facts, 1))).unwrap()
    }

    /// Which of these questions about one request pass.
    fn decide_all(&self, asks: &[Ask]) -> Vec<bool> {
        let decided = at_once(self.decisions.decide_all(Asks { asks: asks.to_vec() })).unwrap();
        decided.iter().map(|it| matches!(it.verdict, Verdict::Admitted(_))).collect()
    }

    /// The number of requests that pass, out of `asked`.
    fn admitted(&self, facts: &[(&str, &str)], asked: usize) -> usize {
        let passes = |_: &usize| matches!(self.decide(facts).verdict, Verdict::Admitted(_));
        (0..asked).filter(passes).count()
    }

    fn keys(&self) -> Vec<String> {
        let takes = self.counts.takes.lock().unwrap();
        takes.iter().flat_map(|take| &take.charges).map(|charge| charge.key.0.clone()).collect()
    }
}

fn ask(facts: &[(&str, &str)], cost: u32) -> Ask {
    let fact =
        |(name, value): &(&str, &str)| Fact { name: (*name).to_owned().into(), value: (*value).to_owned() };
    Ask { facts: facts.iter().map(fact).collect(), cost }
}

fn per_token(limits: &[Limit]) -> Policy {
    Policy {
        name: "per-token".to_owned(),
        key: KeySource::Token,
        limits: limits.to_vec(),
        exempt: vec!["the-probe".to_owned()],
        mode: Mode::Enforce,
    }
}

fn everyone(limit: Limit, mode: Mode) -> Policy {
    let (name, key) = ("all".to_owned(), KeySource::Everyone);
    Policy { name, key, limits: vec![limit], exempt: Vec::new(), mode }
}

#[test]
fn without_policies_everything_passes_and_nothing_is_asked() {
    let scene = Scene::new(&[]);
    let decision = scene.decide(&[("token", "a")]);
    assert_eq!(
        decision,
        Decision { verdict: AT_ONCE, standings: Vec::new(), would_refuse: false, counted: true }
    );
    assert_eq!(scene.keys(), [""; 0]);
}

#[test]
fn each_client_has_a_count_of_its_own() {
    let scene = Scene::new(&[per_token(&[a_second(1)])]);
    assert_eq!(scene.decide(&[("token", "a")]).verdict, AT_ONCE);
    assert_eq!(scene.decide(&[("token", "a")]).verdict, Verdict::Refused(Some(Duration::from_secs(1))));
    assert_eq!(scene.decide(&[("token", "b")]).verdict, AT_ONCE);
}

#[test]
fn with_shared_keying_one_client_uses_up_what_all_have() {
    let policies = [per_token(&[a_second(1)])];
    let scene = Scene::with(&policies, Algorithm::Gcra, Keying::Shared, None);
    assert_eq!(scene.decide(&[("token", "a")]).verdict, AT_ONCE);
    assert!(matches!(scene.decide(&[("token", "b")]).verdict, Verdict::Refused(_)));
}

#[test]
fn to_leave_the_key_out_is_no_way_around_the_limit() {
    let scene = Scene::new(&[per_token(&[a_second(1)])]);
    assert_eq!(scene.decide(&[("address", "1")]).verdict, AT_ONCE);
    assert!(matches!(scene.decide(&[("address", "2")]).verdict, Verdict::Refused(_)));
    // No client's value is mistaken for a missing one.
    for value in ["-", "*", ""] {
        assert_eq!(scene.decide(&[("token", value)]).verdict, AT_ONCE);
    }
}

#[test]
fn an_exempt_key_is_neither_charged_nor_refused() {
    let scene = Scene::new(&[per_token(&[a_second(1)])]);
    for _ in 0..3 {
        let decision = scene.decide(&[("token", "the-probe")]);
        assert_eq!((decision.verdict, decision.standings.len()), (AT_ONCE, 0));
    }
    assert_eq!(scene.keys(), [""; 0]);
}

#[test]
fn a_refusal_waits_for_the_last_of_the_limits_that_have_no_room() {
    let minute = Limit::new(1, Duration::from_mins(1), None).unwrap();
    let scene = Scene::new(&[per_token(&[a_second(1), minute])]);
    let first = scene.decide(&[("token", "a")]);
    let remaining: Vec<_> = first.standings.iter().map(|it| (it.limit, it.remaining)).collect();
    assert_eq!(remaining, [(a_second(1), 0), (minute, 0)]);
    assert_eq!(scene.decide(&[("token", "a")]).verdict, Verdict::Refused(Some(Duration::from_mins(1))));
}

#[test]
fn a_queue_makes_its_requests_wait() {
    let policies = [per_token(&[a_second(10)])];
    let scene = Scene::with(&policies, Algorithm::LeakyBucket, Keying::PerClient, None);
    assert_eq!(scene.decide(&[("token", "a")]).verdict, AT_ONCE);
    let waiting = Verdict::Admitted(Duration::from_millis(100));
    assert_eq!(scene.decide(&[("token", "a")]).verdict, waiting);
}

#[test]
fn a_dry_run_says_what_it_would_have_refused() {
    let scene = Scene::new(&[per_token(&[a_second(10)]), everyone(a_second(1), Mode::Count)]);
    let told = |_| {
        let decision = scene.decide(&[("token", "a")]);
        (decision.verdict, decision.would_refuse)
    };
    assert_eq!((0..2).map(told).collect::<Vec<_>>(), [(AT_ONCE, false), (AT_ONCE, true)]);
}

#[test]
fn counts_that_cannot_be_asked_admit_or_refuse_as_was_chosen() {
    let retry = Verdict::Refused(Some(RETRY_UNCOUNTED));
    for (on_failure, verdict) in [(OnFailure::Open, AT_ONCE), (OnFailure::Closed, retry)] {
        let policies = [per_token(&[a_second(1)])];
        let scene = Scene::with(&policies, Algorithm::Gcra, Keying::PerClient, Some(on_failure));
        let decision = scene.decide(&[("token", "a")]);
        assert_eq!((decision.verdict, decision.counted), (verdict, false));
        // A request without a limit needs no counts.
        assert!(scene.decide(&[("token", "the-probe")]).counted);
    }
}

#[test]
fn new_policies_hold_at_once_and_a_limit_that_stays_keeps_its_counts() {
    let scene = Scene::new(&[per_token(&[a_second(1)])]);
    scene.decide(&[("token", "a")]);
    let both = vec![per_token(&[a_second(1)]), everyone(a_second(5), Mode::Enforce)];
    scene.decisions.set_policies(PolicySet { version: 2, policies: both });
    assert_eq!(scene.decisions.version(), 2);
    assert!(matches!(scene.decide(&[("token", "a")]).verdict, Verdict::Refused(_)));
    scene.decisions.set_policies(PolicySet { version: 3, policies: vec![per_token(&[a_second(2)])] });
    assert_eq!(scene.decide(&[("token", "a")]).verdict, AT_ONCE);
}

#[test]
fn an_ask_that_is_too_large_or_costs_nothing_is_refused_before_anything_is_counted() {
    let scene = Scene::new(&[per_token(&[a_second(1)])]);
    let refused = |ask: Ask| at_once(scene.decisions.decide(ask)).unwrap_err();
    assert_eq!(refused(ask(&vec![("token", "a"); MAX_FACTS + 1], 1)), DecisionError::TooManyFacts);
    assert_eq!(refused(ask(&[("token", "a")], 0)), DecisionError::Cost);
    assert_eq!(refused(ask(&[("token", "a")], MAX_COST + 1)), DecisionError::Cost);
    assert_eq!(scene.keys(), [""; 0]);
}

#[test]
fn equal_limits_of_a_policy_have_a_count_each() {
    let three = Limit::new(3, Duration::from_mins(1), None).unwrap();
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != Algorithm::LeakyBucket) {
        let scene = Scene::with(&[per_token(&[three, three])], algorithm, Keying::PerClient, None);
        for remaining in [2, 1, 0] {
            let decision = scene.decide(&[("token", "a")]);
            assert_eq!(decision.verdict, AT_ONCE, "{algorithm:?}");
            let left: Vec<_> = decision.standings.iter().map(|it| it.remaining).collect();
            assert_eq!(left, [remaining, remaining], "{algorithm:?}");
        }
        assert_eq!(scene.admitted(&[("token", "a")], 5), 0, "{algorithm:?}");
    }
}

#[test]
fn a_policy_that_tells_clients_apart_by_something_else_begins_anew() {
    let by = |name: &str, key: KeySource| Policy {
        name: name.to_owned(),
        key,
        exempt: Vec::new(),
        ..per_token(&[a_second(2)])
    };
    let facts = [("token", "same"), ("address", "same"), ("header:x-tenant", "same")];
    let scene = Scene::new(&[by("a", KeySource::Token)]);
    assert_eq!(scene.admitted(&facts, 5), 2);
    for other in [
        by("a", KeySource::Address),
        by("a", KeySource::Header("x-tenant".to_owned())),
        by("a", KeySource::Everyone),
        by("b", KeySource::Token),
    ] {
        scene.decisions.set_policies(PolicySet { version: 2, policies: vec![other.clone()] });
        assert_eq!(scene.admitted(&facts, 5), 2, "{other:?}");
    }
    scene.decisions.set_policies(PolicySet { version: 3, policies: vec![by("a", KeySource::Token)] });
    assert_eq!(scene.admitted(&facts, 5), 0, "what is as it was has its counts still");
}

#[test]
fn a_limit_that_moves_within_its_policy_keeps_its_counts() {
    let minute = Limit::new(2, Duration::from_mins(1), None).unwrap();
    let scene = Scene::new(&[per_token(&[minute])]);
    assert_eq!(scene.admitted(&[("token", "a")], 5), 2);
    let policies = vec![per_token(&[a_second(100), minute])];
    scene.decisions.set_policies(PolicySet { version: 2, policies });
    assert_eq!(scene.admitted(&[("token", "a")], 5), 0);
}

#[test]
fn no_two_counts_share_a_name() {
    let sources = ["x-a", "x-b", "x-a-1"].map(|name| KeySource::Header(name.to_owned()));
    let sources = sources.into_iter().chain([KeySource::Address, KeySource::Token, KeySource::Everyone]);
    let limits =
        [a_second(1), a_second(11), a_second(1), Limit::new(11, Duration::from_secs(1), Some(1)).unwrap()];
    let mut names = std::collections::HashSet::new();
    let mut expected = 0;
    for source in sources {
        for name in ["a", "a-1", "x-a"] {
            let policy = Policy {
                name: name.to_owned(),
                key: source.clone(),
                exempt: Vec::new(),
                ..per_token(&limits)
            };
            let scene = Scene::new(&[policy]);
            for client in ["", "1", "/1=", "=1", ":1", "-"] {
                let facts: Vec<_> = ["address", "token", "header:x-a", "header:x-b", "header:x-a-1"]
                    .map(|fact| (fact, client))
                    .into();
                scene.decide(&facts);
            }
            scene.decide(&[]);
            let clients = if source == KeySource::Everyone { 1 } else { 7 };
            expected += clients * limits.len();
            names.extend(scene.keys());
        }
    }
    assert_eq!(names.len(), expected);
}

#[test]
fn questions_about_one_request_are_all_charged_or_none_is() {
    let scene = Scene::new(&[per_token(&[a_second(3)])]);
    let of = |token: &str| ask(&[("token", token)], 1);
    assert_eq!(scene.decide_all(&[of("a"), of("b")]), [true, true]);
    assert_eq!(scene.admitted(&[("token", "b")], 5), 2);
    assert_eq!(scene.decide_all(&[of("a"), of("b")]), [true, false]);
    assert_eq!(scene.admitted(&[("token", "a")], 5), 2, "what was refused was charged to nobody");
    // Two questions on the same count need room for both.
    assert_eq!(scene.decide_all(&[of("c"), of("c")]), [true, true]);
    assert_eq!(scene.decide_all(&[of("c"), of("c")]), [true, false]);
    assert_eq!(scene.admitted(&[("token", "c")], 5), 1);
}

#[test]
fn each_question_about_a_request_has_its_own_cost_and_its_own_decision() {
    let scene = Scene::new(&[per_token(&[a_second(10)])]);
    let of = |token: &str, cost: u32| ask(&[("token", token)], cost);
    let asks = vec![of("a", 4), of("the-probe", 7), of("b", 0)];
    let decided = at_once(scene.decisions.decide_all(Asks { asks })).unwrap();
    let left: Vec<Vec<_>> =
        decided.iter().map(|it| it.standings.iter().map(|it| it.remaining).collect()).collect();
    assert_eq!(left, [vec![6], vec![], vec![10]]);
    assert_eq!(scene.decide_all(&[]), [true; 0]);
    let refused = |asks: Vec<Ask>| at_once(scene.decisions.decide_all(Asks { asks })).unwrap_err();
    assert_eq!(refused(vec![of("a", 1); MAX_ASKS + 1]), DecisionError::TooManyAsks);
    assert_eq!(refused(vec![of("a", 1), of("a", MAX_COST + 1)]), DecisionError::Cost);
}

#[test]
fn as_many_questions_as_there_may_be_are_decided_by_as_many_limits_as_there_may_be() {
    let limits: Vec<_> = (1..=MAX_LIMITS as u64).map(|more| a_second(1 + more)).collect();
    let full = |n: usize| Policy { name: format!("policy-{n}"), ..per_token(&limits) };
    let scene = Scene::new(&(0..MAX_POLICIES).map(full).collect::<Vec<_>>());
    let tokens: Vec<_> = (0..MAX_ASKS).map(|n| format!("client-{n}")).collect();
    let asks: Vec<_> = tokens.iter().map(|token| ask(&[("token", token)], 1)).collect();
    for passes in [true, true, false] {
        assert_eq!(scene.decide_all(&asks), [passes; MAX_ASKS]);
    }
    let takes = scene.counts.takes.lock().unwrap();
    assert_eq!(takes[0].charges.len(), MAX_CHARGES);
}

#[test]
fn a_cost_that_can_never_fit_is_never_told_to_come_back() {
    let wide = Limit::new(100, Duration::from_secs(1), None).unwrap();
    let scene = Scene::new(&[per_token(&[wide, a_second(3)])]);
    for cost in [4, MAX_COST] {
        let decision = at_once(scene.decisions.decide(ask(&[("token", "a")], cost))).unwrap();
        assert_eq!(decision.verdict, Verdict::Refused(None), "{cost}");
    }
    assert_eq!(scene.admitted(&[("token", "a")], 5), 3);
    let later = at_once(scene.decisions.decide(ask(&[("token", "a")], 3))).unwrap();
    assert_eq!(later.verdict, Verdict::Refused(Some(Duration::from_secs(1))));
}

#[test]
fn facts_that_no_policy_names_are_not_judged() {
    let scene = Scene::new(&[per_token(&[a_second(1)])]);
    let (long, names) = ("x".repeat(100_000), (1..MAX_FACTS).map(|n| n.to_string()).collect::<Vec<_>>());
    let mut facts: Vec<_> = names.iter().map(|name| (name.as_str(), long.as_str())).collect();
    facts[7].0 = &long;
    facts.push(("token", "a"));
    assert_eq!(scene.admitted(&facts, 3), 1);
}

#[test]
fn a_long_key_is_counted_by_its_digest() {
    let scene = Scene::new(&[per_token(&[a_second(2)])]);
    for last in ["a", "b"] {
        let token = "x".repeat(MAX_KEY_BYTES) + last;
        assert_eq!(scene.admitted(&[("token", &token)], 5), 2, "it is a client of its own");
    }
    assert!(scene.keys().iter().all(|key| key.len() < MAX_KEY_BYTES), "{:?}", scene.keys());
}

#[test]
fn a_client_of_ipv6_is_its_network_and_one_of_ipv4_is_its_address() {
    let by = |key: KeySource| Policy {
        key,
        exempt: vec!["2001:db8:0:9::7".to_owned()],
        ..per_token(&[a_second(1)])
    };
    let passes = |scene: &Scene, address: &str| scene.admitted(&[("address", address)], 1) == 1;
    let scene = Scene::new(&[by(KeySource::Address)]);
    for (address, expected) in [
        ("2001:db8:0:1::1", true),
        ("2001:db8:0:1:ffff:ffff:ffff:ffff", false),
        ("2001:db8:0:2::1", true),
        ("192.0.2.1", true),
        ("::ffff:192.0.2.1", false),
        ("192.0.2.2", true),
        ("2001:db8:0:9::7", true),
        ("2001:db8:0:9::8", true),
        ("2001:db8:0:9::9", false),
        ("2001:db8:0:9:0:0:0:7", true),
    ] {
        assert_eq!(passes(&scene, address), expected, "{address}");
    }
    let scene = Scene::new(&[by(KeySource::Ipv6Prefix(48))]);
    assert!(passes(&scene, "2001:db8:0:1::1") && !passes(&scene, "2001:db8:0:2::1"));
    assert!(passes(&scene, "2001:db8:1::1") && passes(&scene, "192.0.2.1"));
}
