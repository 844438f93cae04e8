//! The logic of the component `policies`.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use contract::{Unavailable, Why};

use crate::{
    KeySource, Known, MAX_EXEMPT, MAX_KEY_BYTES, MAX_LIMITS, MAX_POLICIES, Policies, Policy, PolicyError,
    PolicyFault, PolicySet, PolicyStore, Replacement, Stored,
};

/// How often a replacement of whatever is in force begins again because somebody else was faster.
const ATTEMPTS: u32 = 8;
/// The longest name of a policy or a header.
const MAX_NAME: usize = 64;

/// Checks and keeps policies.
pub struct PolicyService {
    store: Arc<dyn PolicyStore>,
}

impl PolicyService {
    /// Stands on a store.
    pub fn new(store: Arc<dyn PolicyStore>) -> Self {
        Self { store }
    }

    async fn replace_once(&self, replacement: &Replacement) -> Result<Option<PolicySet>, PolicyError> {
        let current = self.store.load().await?;
        // Whoever repeats a replacement expects the version before it, and finds what it wanted.
        if current.version > 0 && current.policies == replacement.policies {
            return Ok(Some(current));
        }
        if let Some(expected) = replacement.expected.filter(|expected| *expected != current.version) {
            return Err(PolicyError::Changed { expected, current: current.version });
        }
        let next = PolicySet { version: current.version + 1, policies: replacement.policies.clone() };
        let stored = self.store.store(&next, current.version).await?;
        Ok((stored == Stored::Stored).then_some(next))
    }
}

#[async_trait]
impl Policies for PolicyService {
    async fn current(&self, known: Known) -> Result<Option<PolicySet>, PolicyError> {
        let current = self.store.load().await?;
        Ok((current.version != known.version).then_some(current))
    }

    async fn replace(&self, replacement: Replacement) -> Result<PolicySet, PolicyError> {
        validate(&replacement.policies)?;
        for _ in 0..ATTEMPTS {
            if let Some(policies) = self.replace_once(&replacement).await? {
                return Ok(policies);
            }
        }
        Err(Unavailable::new("policies", Why::Overloaded).into())
    }
}

fn validate(policies: &[Policy]) -> Result<(), PolicyError> {
    let mut names = HashSet::new();
    for (index, policy) in policies.iter().enumerate() {
        let fault = if index >= MAX_POLICIES {
            Some(PolicyFault::TooManyPolicies)
        } else if names.insert(policy.name.as_str()) {
            fault_of(policy)
        } else {
            Some(PolicyFault::NameUsedTwice)
        };
        if let Some(fault) = fault {
            // A name that is too long is not worth repeating whole.
            let policy = policy.name.chars().take(MAX_NAME).collect();
            return Err(PolicyError::Invalid { policy, fault });
        }
    }
    Ok(())
}

fn fault_of(policy: &Policy) -> Option<PolicyFault> {
    if !is_name(&policy.name) {
        return Some(PolicyFault::Name);
    }
    match &policy.key {
        KeySource::Header(name) if !is_header(name) => return Some(PolicyFault::Header),
        KeySource::Ipv6Prefix(prefix) if !(1..=128).contains(prefix) => return Some(PolicyFault::Prefix),
        _ => {}
    }
    if !(1..=MAX_LIMITS).contains(&policy.limits.len()) {
        return Some(PolicyFault::Limits);
    }
    let too_long = policy.exempt.iter().any(|value| value.len() > MAX_KEY_BYTES);
    (too_long || policy.exempt.len() > MAX_EXEMPT).then_some(PolicyFault::Exempt)
}

/// Whether requests are known by this header: all others never come here, so that all clients would share one count.
fn is_header(name: &str) -> bool {
    is_name(name) && name.strip_prefix("x-").is_some_and(|rest| !rest.is_empty())
}

fn is_name(text: &str) -> bool {
    let is_plain = |letter: u8| matches!(letter, b'0'..=b'9' | b'a'..=b'z' | b'-');
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_plain)
}
