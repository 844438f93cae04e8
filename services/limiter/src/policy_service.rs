//! The logic of the component `policies`.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;

use crate::{
    KeySource, Known, MAX_EXEMPT, MAX_EXEMPT_CHARS, MAX_EXPECTED, MAX_LIMITS, MAX_POLICIES, Policies, Policy,
    PolicyError, PolicyFault, PolicySet, PolicyStore, Replacement, Stored,
};

/// The longest name of a policy or a header.
const MAX_NAME: usize = 64;

/// Validates and stores policies.
pub struct PolicyService {
    store: Arc<dyn PolicyStore>,
}

impl PolicyService {
    /// Creates the service on a store.
    pub fn new(store: Arc<dyn PolicyStore>) -> Self {
        Self { store }
    }

    async fn store_over(&self, expected: &[u64], policies: Vec<Policy>) -> Result<PolicySet, PolicyError> {
        let mut next = PolicySet { version: 0, policies };
        // Each further attempt is for another expected version; their number is limited.
        for _ in 0..=expected.len() {
            let current = self.store.load().await?;
            if is_repeated(&current, &next.policies) {
                return Ok(current);
            }
            if !expected.contains(&current.version) {
                return Err(PolicyError::Changed { current: current.version });
            }
            next.version = current.version + 1;
            if self.store.store(&next, current.version).await? == Stored::Stored {
                return Ok(next);
            }
        }
        Err(PolicyError::Changed { current: self.store.load().await?.version })
    }

    /// Replaces whatever is current; concurrent replacements take effect in some order, and none has to
    /// retry.
    async fn store_over_any(&self, policies: Vec<Policy>) -> Result<PolicySet, PolicyError> {
        let current = self.store.load().await?;
        if is_repeated(&current, &policies) {
            return Ok(current);
        }
        let version = self.store.store_over_any(&policies).await?;
        Ok(PolicySet { version, policies })
    }
}

/// Whether the replacement has been made already: a caller that repeats it expects the version before.
fn is_repeated(current: &PolicySet, policies: &[Policy]) -> bool {
    current.version > 0 && current.policies == policies
}

#[async_trait]
impl Policies for PolicyService {
    async fn current(&self, known: Known) -> Result<Option<PolicySet>, PolicyError> {
        let current = self.store.load().await?;
        Ok((current.version != known.version).then_some(current))
    }

    async fn replace(&self, replacement: Replacement) -> Result<PolicySet, PolicyError> {
        let Replacement { expected, policies } = replacement;
        validate(&policies)?;
        match expected {
            Some(expected) if expected.len() > MAX_EXPECTED => Err(PolicyError::TooManyExpected),
            Some(expected) => self.store_over(&expected, policies).await,
            None => self.store_over_any(policies).await,
        }
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
            // A name that is too long is cut in the error message.
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
    let too_long = policy.exempt.iter().any(|value| value.chars().count() > MAX_EXEMPT_CHARS);
    if too_long || policy.exempt.len() > MAX_EXEMPT {
        return Some(PolicyFault::Exempt);
    }
    let is_nobodys = |value: &String| policy.key.exempt(value).is_none();
    policy.exempt.iter().any(is_nobodys).then_some(PolicyFault::ExemptNobody)
}

impl Policy {
    /// The pattern of a policy's name.
    pub const NAME_PATTERN: &str = "^[0-9a-z-]{1,64}$";
}

impl KeySource {
    /// The pattern of a header that can be a key.
    pub const HEADER_PATTERN: &str = "^x-[0-9a-z-]{1,62}$";
}

/// Whether the edge collects this header as a fact: with any other one, all clients would share one count.
fn is_header(name: &str) -> bool {
    is_name(name) && name.strip_prefix("x-").is_some_and(|rest| !rest.is_empty())
}

fn is_name(text: &str) -> bool {
    let is_plain = |letter: u8| matches!(letter, b'0'..=b'9' | b'a'..=b'z' | b'-');
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patterns_are_what_is_taken() {
        let pattern = |pattern| regex::Regex::new(pattern).expect("a pattern");
        let (name, header) = (pattern(Policy::NAME_PATTERN), pattern(KeySource::HEADER_PATTERN));
        let long = |length: usize| "a".repeat(length);
        let (longest_header, too_long_header) = (format!("x-{}", long(62)), format!("x-{}", long(63)));
        for text in [
            "", "a", "0-z", "-", "A", "a_b", "a b", "a\n", "\u{e4}", "x", "x-", "x-a", "X-a", "x-A", "x--",
            "ax-a",
        ]
        .into_iter()
        .chain([long(64).as_str(), &long(65), &longest_header, &too_long_header])
        {
            assert_eq!(name.is_match(text), is_name(text), "{text:?}");
            assert_eq!(header.is_match(text), is_header(text), "{text:?}");
        }
    }
}
