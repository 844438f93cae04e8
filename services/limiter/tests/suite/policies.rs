//! Policies over a store in memory, with a concurrent writer.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use contract::Unavailable;
use limiter::{
    KeySource, Known, MAX_EXEMPT, MAX_LIMITS, MAX_POLICIES, Mode, Policies, Policy, PolicyError, PolicyFault,
    PolicyService, PolicySet, PolicyStore, Replacement, Stored,
};

use crate::support::{a_second, at_once};

#[derive(Default)]
struct Memory {
    stored: Mutex<PolicySet>,
    /// The number of other writes between a load and the following store.
    others: Mutex<u32>,
}

#[async_trait]
impl PolicyStore for Memory {
    async fn load(&self) -> Result<PolicySet, Unavailable> {
        let loaded = self.stored.lock().unwrap().clone();
        let mut others = self.others.lock().unwrap();
        if *others > 0 {
            *others -= 1;
            let other = policy(&format!("other-{others}"));
            *self.stored.lock().unwrap() = PolicySet { version: loaded.version + 1, policies: vec![other] };
        }
        Ok(loaded)
    }

    async fn store(&self, policies: &PolicySet, replaced: u64) -> Result<Stored, Unavailable> {
        let mut stored = self.stored.lock().unwrap();
        if stored.version != replaced {
            return Ok(Stored::Changed);
        }
        *stored = policies.clone();
        Ok(Stored::Stored)
    }

    async fn store_over_any(&self, policies: &[Policy]) -> Result<u64, Unavailable> {
        let mut stored = self.stored.lock().unwrap();
        *stored = PolicySet { version: stored.version + 1, policies: policies.to_vec() };
        Ok(stored.version)
    }
}

fn policy(name: &str) -> Policy {
    Policy {
        name: name.to_owned(),
        key: KeySource::Token,
        limits: vec![a_second(10)],
        exempt: Vec::new(),
        mode: Mode::Enforce,
    }
}

fn service(others: u32) -> PolicyService {
    PolicyService::new(Arc::new(Memory { stored: Mutex::default(), others: Mutex::new(others) }))
}

fn replace(
    service: &PolicyService,
    expected: Option<u64>,
    policies: &[Policy],
) -> Result<PolicySet, PolicyError> {
    replace_any_of(service, expected.map(|version| vec![version]), policies)
}

fn replace_any_of(
    service: &PolicyService,
    expected: Option<Vec<u64>>,
    policies: &[Policy],
) -> Result<PolicySet, PolicyError> {
    at_once(service.replace(Replacement { expected, policies: policies.to_vec() }))
}

#[test]
fn whoever_knows_the_policies_is_not_told_again() {
    let service = service(0);
    assert_eq!(at_once(service.current(Known::default())).unwrap(), None);
    let first = replace(&service, None, &[policy("a")]).unwrap();
    assert_eq!(first.version, 1);
    assert_eq!(at_once(service.current(Known::default())).unwrap(), Some(first));
    assert_eq!(at_once(service.current(Known { version: 1 })).unwrap(), None);
}

#[test]
fn the_same_policies_again_change_nothing() {
    let service = service(0);
    for expected in [None, Some(0), Some(0), None] {
        assert_eq!(replace(&service, expected, &[policy("a")]).unwrap().version, 1);
    }
    assert_eq!(replace(&service, None, &[]).unwrap().version, 2);
}

#[test]
fn whoever_expects_another_version_is_told_which_is_in_force() {
    let service = service(0);
    replace(&service, None, &[policy("a")]).unwrap();
    let changed = PolicyError::Changed { current: 1 };
    assert_eq!(replace(&service, Some(0), &[policy("b")]), Err(changed));
    assert_eq!(replace(&service, Some(1), &[policy("b")]).unwrap().version, 2);
}

#[test]
fn of_two_who_replace_the_same_version_one_is_told() {
    let changed = PolicyError::Changed { current: 1 };
    assert_eq!(replace(&service(1), Some(0), &[policy("a")]), Err(changed));
}

#[test]
fn whoever_replaces_whatever_is_in_force_does_so_at_once_however_many_others_write() {
    let service = service(99);
    for (turn, name) in (1..=20).map(|turn| (turn, format!("mine-{turn}"))) {
        // Another writer writes between the load and the store.
        assert_eq!(replace(&service, None, &[policy(&name)]).unwrap().version, 2 * turn);
    }
}

#[test]
fn whoever_expects_one_of_several_versions_replaces_the_one_that_is_in_force() {
    let service = service(2);
    let expected = || Some(vec![7, 1, 0, 2]);
    assert_eq!(replace_any_of(&service, expected(), &[policy("a")]).unwrap().version, 3);
    let changed = PolicyError::Changed { current: 3 };
    assert_eq!(replace_any_of(&service, expected(), &[policy("b")]), Err(changed.clone()));
    assert_eq!(replace_any_of(&service, Some(vec![]), &[policy("b")]), Err(changed), "none is expected");
    let many = Some(vec![3; limiter::MAX_EXPECTED + 1]);
    assert_eq!(replace_any_of(&service, many, &[policy("b")]), Err(PolicyError::TooManyExpected));
}

#[test]
fn policies_that_cannot_be_are_refused_with_their_name() {
    let with = |change: fn(&mut Policy)| {
        let mut changed = policy("a");
        change(&mut changed);
        vec![changed]
    };
    let exempt =
        |key: KeySource, value: &str| vec![Policy { key, exempt: vec![value.to_owned()], ..policy("a") }];
    let many: Vec<_> = (0..=MAX_POLICIES).map(|number| policy(&number.to_string())).collect();
    let cases = [
        (many, PolicyFault::TooManyPolicies),
        (vec![policy("a"), policy("a")], PolicyFault::NameUsedTwice),
        (vec![policy("")], PolicyFault::Name),
        (vec![policy("Per Token")], PolicyFault::Name),
        (vec![policy(&"a".repeat(65))], PolicyFault::Name),
        (with(|policy| policy.limits = Vec::new()), PolicyFault::Limits),
        (with(|policy| policy.limits = vec![a_second(1); MAX_LIMITS + 1]), PolicyFault::Limits),
        (with(|policy| policy.exempt = vec![String::new(); MAX_EXEMPT + 1]), PolicyFault::Exempt),
        (with(|policy| policy.exempt = vec!["x".repeat(257)]), PolicyFault::Exempt),
        (exempt(KeySource::Address, "10.0.0.0/8"), PolicyFault::ExemptNobody),
        (exempt(KeySource::Address, "2001:db8::/56"), PolicyFault::ExemptNobody),
        (exempt(KeySource::Address, "not-an-address"), PolicyFault::ExemptNobody),
        (exempt(KeySource::Ipv6Prefix(56), "2001:db8::/64"), PolicyFault::ExemptNobody),
        (exempt(KeySource::Everyone, "monitor"), PolicyFault::ExemptNobody),
        (with(|policy| policy.key = KeySource::Header("X-Api-Key".to_owned())), PolicyFault::Header),
        (with(|policy| policy.key = KeySource::Header("api-key".to_owned())), PolicyFault::Header),
        (with(|policy| policy.key = KeySource::Header("x-".to_owned())), PolicyFault::Header),
        (with(|policy| policy.key = KeySource::Ipv6Prefix(0)), PolicyFault::Prefix),
        (with(|policy| policy.key = KeySource::Ipv6Prefix(129)), PolicyFault::Prefix),
    ];
    let service = service(0);
    for (policies, expected) in cases {
        match replace(&service, None, &policies) {
            Err(PolicyError::Invalid { fault, policy }) => {
                assert_eq!(fault, expected);
                assert!(policy.len() <= 64);
            }
            other => panic!("{expected:?}: {other:?}"),
        }
    }
    assert_eq!(at_once(service.current(Known::default())).unwrap(), None);
}
