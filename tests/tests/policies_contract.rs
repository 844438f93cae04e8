//! The contract of `policies`, over every way to reach it and every store.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{sync::Arc, time::Duration};

use limiter::{
    KeySource, Known, Limit, MAX_POLICIES, Mode, Policies, Policy, PolicyError, PolicyFault, PolicyService,
    Replacement,
};
use limiter_app::remotes::policies;
use system_tests::{
    placed::{WAYS, placed},
    stores::{fresh_postgres, policy_stores},
};

fn policy(name: &str) -> Policy {
    Policy {
        name: name.to_owned(),
        key: KeySource::Header("x-tenant".to_owned()),
        limits: vec![
            Limit::new(10, Duration::from_secs(1), Some(3)).unwrap(),
            Limit::new(1_000, Duration::from_hours(24), None).unwrap(),
        ],
        exempt: vec!["monitor".to_owned(), "ä \"b\"".to_owned()],
        mode: Mode::Count,
    }
}

fn replacement(expected: Option<u64>, names: &[&str]) -> Replacement {
    Replacement {
        expected: expected.map(|version| vec![version]),
        policies: names.iter().map(|name| policy(name)).collect(),
    }
}

#[tokio::test]
async fn policies_keep_their_promises_however_they_are_reached_and_whatever_they_stand_on() {
    // Keeps the tests' server alive over the whole loop.
    let _server = fresh_postgres().await;
    for (way_name, way) in WAYS {
        for (store_name, store, _kept) in policy_stores().await {
            println!("{way_name}, {store_name}");
            let service = Arc::new(PolicyService::new(store));
            let policies = placed::<policies::ThisContract>(way, service).await;
            what_is_put_in_force_is_in_force_as_it_is(&*policies).await;
            the_same_again_changes_nothing(&*policies).await;
            who_knows_an_old_version_changes_nothing(&*policies).await;
            what_cannot_be_is_refused_and_changes_nothing(&*policies).await;
            of_many_at_once_each_replaces_a_version_of_its_own(&policies).await;
            of_many_at_once_that_expect_nothing_each_is_in_force_once(&policies).await;
        }
    }
}

async fn version(policies: &dyn Policies) -> u64 {
    policies.current(Known { version: u64::MAX }).await.unwrap().unwrap().version
}

async fn what_is_put_in_force_is_in_force_as_it_is(policies: &dyn Policies) {
    assert_eq!(policies.current(Known { version: 0 }).await, Ok(None), "nothing yet");
    let first = policies.replace(replacement(Some(0), &["one", "two"])).await.unwrap();
    assert_eq!((first.version, &first.policies), (1, &vec![policy("one"), policy("two")]));
    assert_eq!(policies.current(Known { version: 0 }).await, Ok(Some(first)));
    assert_eq!(policies.current(Known { version: 1 }).await, Ok(None), "the caller knows it already");
}

async fn the_same_again_changes_nothing(policies: &dyn Policies) {
    let before = version(policies).await;
    for expected in [None, Some(before), Some(before - 1)] {
        let again = policies.replace(replacement(expected, &["one", "two"])).await.unwrap();
        assert_eq!(again.version, before, "{expected:?}");
    }
}

async fn who_knows_an_old_version_changes_nothing(policies: &dyn Policies) {
    let current = version(policies).await;
    let late = policies.replace(replacement(Some(current - 1), &["late"])).await;
    assert_eq!(late, Err(PolicyError::Changed { current }));
    let next = policies.replace(replacement(Some(current), &["next"])).await.unwrap();
    assert_eq!(next.version, current + 1);
}

async fn what_cannot_be_is_refused_and_changes_nothing(policies: &dyn Policies) {
    let before = version(policies).await;
    let many: Vec<_> = (0..=MAX_POLICIES).map(|number| policy(&format!("p-{number}"))).collect();
    for (asked, fault) in [
        (vec![policy("Upper")], PolicyFault::Name),
        (vec![policy("twice"), policy("twice")], PolicyFault::NameUsedTwice),
        (vec![Policy { limits: Vec::new(), ..policy("none") }], PolicyFault::Limits),
        (vec![Policy { exempt: vec!["x".repeat(257)], ..policy("long") }], PolicyFault::Exempt),
        (
            vec![Policy { key: KeySource::Header("api-key".to_owned()), ..policy("header") }],
            PolicyFault::Header,
        ),
        (vec![Policy { key: KeySource::Ipv6Prefix(129), ..policy("prefix") }], PolicyFault::Prefix),
        (many, PolicyFault::TooManyPolicies),
    ] {
        match policies.replace(Replacement { expected: None, policies: asked }).await {
            Err(PolicyError::Invalid { fault: found, .. }) => assert_eq!(found, fault),
            other => panic!("{fault:?}: {other:?}"),
        }
    }
    assert_eq!(version(policies).await, before);
}

async fn of_many_at_once_each_replaces_a_version_of_its_own(policies: &Arc<dyn Policies>) {
    let before = version(&**policies).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let policies = Arc::clone(policies);
        let name = format!("crowd-{number}");
        tasks.spawn(async move { policies.replace(replacement(Some(before), &[&name])).await });
    }
    let outcomes = tasks.join_all().await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(won, 1, "{outcomes:?}");
    assert_eq!(version(&**policies).await, before + 1);
}

async fn of_many_at_once_that_expect_nothing_each_is_in_force_once(policies: &Arc<dyn Policies>) {
    let before = version(&**policies).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..30 {
        let policies = Arc::clone(policies);
        let name = format!("any-{number}");
        tasks.spawn(async move { policies.replace(replacement(None, &[&name])).await.unwrap().version });
    }
    let mut versions = tasks.join_all().await;
    versions.sort_unstable();
    // If every call is sent twice, the second may come after another writer's, and stores its own policies
    // again.
    versions.dedup();
    assert_eq!(versions.len(), 30, "each has a version of its own");
    assert!(versions[0] > before && version(&**policies).await >= before + 30, "{versions:?}");
}
