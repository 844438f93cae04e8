//! The limiter's contracts.

use std::time::Duration;

use async_trait::async_trait;
use limiter::{
    Ask, Asks, Charge, CountError, CountKey, Counts, Decision, DecisionError, Decisions, Fact, KeySource,
    Known, Limit, LimitError, Mode, Policies, Policy, PolicyError, PolicyFault, PolicySet, PolicyStanding,
    Replacement, Standing, Take, Taken, Verdict,
};
use limiter_app::{
    envoy::MAX_REQUEST_BYTES,
    remotes::{counts, decisions, policies},
};
use proptest::prelude::*;
use runtime::FIELDS_BYTES;

use super::{Hops, Mirror, duration, text, unavailable};

#[async_trait]
impl Policies for Mirror {
    async fn current(&self, known: Known) -> Result<Option<PolicySet>, PolicyError> {
        self.reflect(known)
    }

    async fn replace(&self, replacement: Replacement) -> Result<PolicySet, PolicyError> {
        self.reflect(replacement)
    }
}

#[async_trait]
impl Decisions for Mirror {
    async fn decide(&self, ask: Ask) -> Result<Decision, DecisionError> {
        self.reflect(ask)
    }

    async fn decide_all(&self, asks: Asks) -> Result<Vec<Decision>, DecisionError> {
        self.reflect(asks)
    }
}

#[async_trait]
impl Counts for Mirror {
    async fn take(&self, take: Take) -> Result<Taken, CountError> {
        self.reflect(take)
    }
}

fn many<T: std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(of, 0..6)
}

fn limit() -> impl Strategy<Value = Limit> {
    let (shortest, longest) = (Limit::WINDOWS.0.as_millis() as u64, Limit::WINDOWS.1.as_millis() as u64);
    let window = prop_oneof![shortest..=longest, shortest..=5_000];
    (1..=Limit::MAX_REQUESTS, window, prop::option::of(1..=Limit::MAX_REQUESTS)).prop_map(
        |(requests, window, burst)| {
            let requests = requests.min(window * 1_000);
            let burst = burst.map(|burst| burst.min(requests));
            Limit::new(requests, Duration::from_millis(window), burst).expect("a limit")
        },
    )
}

fn key_source() -> impl Strategy<Value = KeySource> {
    prop_oneof![
        Just(KeySource::Address),
        any::<u8>().prop_map(KeySource::Ipv6Prefix),
        Just(KeySource::Token),
        text().prop_map(KeySource::Header),
        Just(KeySource::Everyone),
    ]
    // A new variant has to be added to the generator above.
    .prop_map(|source| match source {
        source @ (KeySource::Address
        | KeySource::Ipv6Prefix(_)
        | KeySource::Token
        | KeySource::Header(_)
        | KeySource::Everyone) => source,
    })
}

/// The component validates policies, not the edge, so any text may be in one.
fn policy() -> impl Strategy<Value = Policy> {
    let mode = prop_oneof![Just(Mode::Enforce), Just(Mode::Count)];
    (text(), key_source(), many(limit()), many(text()), mode)
        .prop_map(|(name, key, limits, exempt, mode)| Policy { name, key, limits, exempt, mode })
}

fn policy_set() -> impl Strategy<Value = PolicySet> {
    (any::<u64>(), many(policy())).prop_map(|(version, policies)| PolicySet { version, policies })
}

fn policy_fault() -> impl Strategy<Value = PolicyFault> {
    prop::sample::select(vec![
        PolicyFault::TooManyPolicies,
        PolicyFault::Name,
        PolicyFault::NameUsedTwice,
        PolicyFault::Limits,
        PolicyFault::Exempt,
        PolicyFault::Header,
        PolicyFault::Prefix,
        PolicyFault::ExemptNobody,
        PolicyFault::Limit(LimitError::Requests),
        PolicyFault::Limit(LimitError::Window),
        PolicyFault::Limit(LimitError::Rate),
        PolicyFault::Limit(LimitError::Burst),
    ])
    // A new variant has to be added to the generator above.
    .prop_map(|fault| match fault {
        fault @ (PolicyFault::TooManyPolicies
        | PolicyFault::Name
        | PolicyFault::NameUsedTwice
        | PolicyFault::Limits
        | PolicyFault::Exempt
        | PolicyFault::Header
        | PolicyFault::Prefix
        | PolicyFault::ExemptNobody
        | PolicyFault::Limit(
            LimitError::Requests | LimitError::Window | LimitError::Rate | LimitError::Burst,
        )) => fault,
    })
}

fn policy_error() -> impl Strategy<Value = PolicyError> {
    prop_oneof![
        (text(), policy_fault()).prop_map(|(policy, fault)| PolicyError::Invalid { policy, fault }),
        any::<u64>().prop_map(|current| PolicyError::Changed { current }),
        Just(PolicyError::TooManyExpected),
        unavailable().prop_map(PolicyError::Unavailable),
    ]
    // A new variant has to be added to the generator above.
    .prop_map(|error| match error {
        error @ (PolicyError::Invalid { .. }
        | PolicyError::Changed { .. }
        | PolicyError::TooManyExpected
        | PolicyError::Unavailable(_)) => error,
    })
}

fn ask() -> impl Strategy<Value = Ask> {
    let fact = (text(), text()).prop_map(|(name, value)| Fact { name: name.into(), value });
    (many(fact), any::<u32>()).prop_map(|(facts, cost)| Ask { facts, cost })
}

fn decision() -> impl Strategy<Value = Decision> {
    let verdict = prop_oneof![
        duration().prop_map(Verdict::Admitted),
        prop::option::of(duration()).prop_map(Verdict::Refused)
    ];
    let standing = (text(), limit(), any::<u32>(), duration(), duration()).prop_map(
        |(policy, limit, remaining, more_after, reset_after)| PolicyStanding {
            policy,
            limit,
            remaining,
            more_after,
            reset_after,
        },
    );
    (verdict, many(standing), any::<(bool, bool)>()).prop_map(
        |(verdict, standings, (would_refuse, counted))| Decision {
            verdict,
            standings,
            would_refuse,
            counted,
        },
    )
}

fn decision_error() -> impl Strategy<Value = DecisionError> {
    prop_oneof![
        Just(DecisionError::TooManyAsks),
        Just(DecisionError::TooManyFacts),
        Just(DecisionError::Cost),
        unavailable().prop_map(DecisionError::Unavailable),
    ]
    // A new variant has to be added to the generator above.
    .prop_map(|error| match error {
        error @ (DecisionError::TooManyAsks
        | DecisionError::TooManyFacts
        | DecisionError::Cost
        | DecisionError::Unavailable(_)) => error,
    })
}

fn take() -> impl Strategy<Value = Take> {
    let charge = (text(), limit(), any::<bool>(), any::<u32>())
        .prop_map(|(key, limit, enforced, cost)| Charge { key: CountKey(key), limit, enforced, cost });
    many(charge).prop_map(|charges| Take { charges })
}

fn taken() -> impl Strategy<Value = Taken> {
    let retry = prop::option::of(duration());
    let standing = (any::<(bool, u32)>(), duration(), duration(), retry, duration()).prop_map(
        |((admits, remaining), more_after, reset_after, retry_after, wait)| Standing {
            admits,
            remaining,
            more_after,
            reset_after,
            retry_after,
            wait,
        },
    );
    many(standing).prop_map(|standings| Taken { standings })
}

fn count_error() -> impl Strategy<Value = CountError> {
    prop_oneof![Just(CountError::TooManyCharges), unavailable().prop_map(CountError::Unavailable)]
        // A new variant has to be added to the generator above.
        .prop_map(|error| match error {
            error @ (CountError::TooManyCharges | CountError::Unavailable(_)) => error,
        })
}

#[test]
fn what_is_asked_of_policies_crosses_a_hop() {
    let policies: Hops<dyn Policies> = Hops::to(policies::CONTRACT, |mirror| mirror);
    let replacement = (prop::option::of(many(any::<u64>())), many(policy()))
        .prop_map(|(expected, policies)| Replacement { expected, policies });
    proptest!(|(asked in replacement, says in prop::result::maybe_ok(policy_set(), policy_error()))| {
        policies.carry(&asked, &says, &async |policies, asked| policies.replace(asked).await)?;
    });
    let update = prop::option::of(policy_set());
    proptest!(|(version in any::<u64>(), says in prop::result::maybe_ok(update, policy_error()))| {
        policies.carry(&Known { version }, &says, &async |policies, asked| policies.current(asked).await)?;
    });
}

#[test]
fn what_is_asked_of_decisions_crosses_a_hop() {
    let decisions: Hops<dyn Decisions> = Hops::to(decisions::CONTRACT, |mirror| mirror);
    proptest!(|(asked in ask(), says in prop::result::maybe_ok(decision(), decision_error()))| {
        decisions.carry(&asked, &says, &async |decisions, asked| decisions.decide(asked).await)?;
    });
    let asks = many(ask()).prop_map(|asks| Asks { asks });
    proptest!(|(asked in asks, says in prop::result::maybe_ok(many(decision()), decision_error()))| {
        decisions.carry(&asked, &says, &async |decisions, asked| decisions.decide_all(asked).await)?;
    });
}

#[test]
fn what_is_asked_of_counts_crosses_a_hop() {
    let counts: Hops<dyn Counts> = Hops::to(counts::CONTRACT, |mirror| mirror);
    proptest!(|(asked in take(), says in prop::result::maybe_ok(taken(), count_error()))| {
        counts.carry(&asked, &says, &async |counts, asked| counts.take(asked).await)?;
    });
}

/// The largest requests that an edge accepts, of the kinds that grow most: as header fields, and as a proxy's
/// message of one text or of empty descriptors, which have two bytes each there.
#[test]
fn the_most_that_a_request_can_say_crosses_a_hop() {
    let decisions: Hops<dyn Decisions> = Hops::to(decisions::CONTRACT, |mirror| mirror);
    let nothing = Ask { facts: Vec::new(), cost: u32::MAX };
    let asks = Asks { asks: vec![nothing; MAX_REQUEST_BYTES / 2] };
    let refused: Result<Vec<Decision>, _> = Err(DecisionError::TooManyAsks);
    decisions.carry(&asks, &refused, &async |decisions, asked| decisions.decide_all(asked).await).unwrap();
    for (grows, bytes) in [("\"", FIELDS_BYTES), ("\u{ff}", FIELDS_BYTES), ("\u{1}", MAX_REQUEST_BYTES)] {
        let fact = Fact { name: "header:x-long".into(), value: grows.repeat(bytes) };
        let refused: Result<Decision, _> = Err(DecisionError::TooManyFacts);
        decisions
            .carry(&Ask { facts: vec![fact], cost: 1 }, &refused, &async |decisions, asked| {
                decisions.decide(asked).await
            })
            .unwrap();
    }
}
