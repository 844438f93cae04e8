//! The messages of `policies`.

use limiter::{self as domain, KeySource, LimitError, Mode, PolicyFault};
use remote::{Encodes, Malformed};

use super::{Away, Limit, all_of, parse_all, required};

/// `message Known { uint64 version = 1; }`
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Known {
    #[prost(uint64, tag = "1")]
    version: u64,
}

impl Encodes<domain::Known> for Known {
    fn of(known: domain::Known) -> Self {
        Self { version: known.version }
    }

    fn parse(self) -> Result<domain::Known, Malformed> {
        Ok(domain::Known { version: self.version })
    }
}

/// `message Policy { string name = 1; string key = 2; repeated Limit limits = 3; repeated string exempt = 4; bool dry_run = 5; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Policy {
    #[prost(string, tag = "1")]
    name: String,
    /// The name of the fact that holds the key, `address/56` for a prefix; empty for everyone.
    #[prost(string, tag = "2")]
    key: String,
    #[prost(message, repeated, tag = "3")]
    limits: Vec<Limit>,
    #[prost(string, repeated, tag = "4")]
    exempt: Vec<String>,
    #[prost(bool, tag = "5")]
    dry_run: bool,
}

impl Encodes<domain::Policy> for Policy {
    fn of(policy: domain::Policy) -> Self {
        Self {
            name: policy.name,
            key: key(&policy.key),
            limits: all_of(policy.limits),
            exempt: policy.exempt,
            dry_run: policy.mode == Mode::Count,
        }
    }

    fn parse(self) -> Result<domain::Policy, Malformed> {
        let key = match self.key.as_str() {
            "" => KeySource::Everyone,
            "address" => KeySource::Address,
            "token" => KeySource::Token,
            other => match other.strip_prefix("address/") {
                Some(prefix) => KeySource::Ipv6Prefix(prefix.parse().map_err(|_| Malformed)?),
                None => KeySource::Header(other.strip_prefix("header:").ok_or(Malformed)?.to_owned()),
            },
        };
        Ok(domain::Policy {
            name: self.name,
            key,
            limits: parse_all(self.limits)?,
            exempt: self.exempt,
            mode: if self.dry_run { Mode::Count } else { Mode::Enforce },
        })
    }
}

fn key(key: &KeySource) -> String {
    match key {
        KeySource::Ipv6Prefix(prefix) => format!("address/{prefix}"),
        other => other.fact().unwrap_or_default(),
    }
}

/// `message PolicySet { uint64 version = 1; repeated Policy policies = 2; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct PolicySet {
    #[prost(uint64, tag = "1")]
    version: u64,
    #[prost(message, repeated, tag = "2")]
    policies: Vec<Policy>,
}

impl Encodes<domain::PolicySet> for PolicySet {
    fn of(set: domain::PolicySet) -> Self {
        Self { version: set.version, policies: all_of(set.policies) }
    }

    fn parse(self) -> Result<domain::PolicySet, Malformed> {
        Ok(domain::PolicySet { version: self.version, policies: parse_all(self.policies)? })
    }
}

/// `message Update { optional PolicySet policies = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Update {
    #[prost(message, optional, tag = "1")]
    policies: Option<PolicySet>,
}

impl Encodes<Option<domain::PolicySet>> for Update {
    fn of(update: Option<domain::PolicySet>) -> Self {
        Self { policies: update.map(PolicySet::of) }
    }

    fn parse(self) -> Result<Option<domain::PolicySet>, Malformed> {
        self.policies.map(PolicySet::parse).transpose()
    }
}

/// `message Replacement { bool is_conditional = 1; repeated Policy policies = 2; repeated uint64 expected = 3; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Replacement {
    /// Whether one of the expected versions has to be in force.
    #[prost(bool, tag = "1")]
    is_conditional: bool,
    #[prost(message, repeated, tag = "2")]
    policies: Vec<Policy>,
    #[prost(uint64, repeated, tag = "3")]
    expected: Vec<u64>,
}

impl Encodes<domain::Replacement> for Replacement {
    fn of(replacement: domain::Replacement) -> Self {
        Self {
            is_conditional: replacement.expected.is_some(),
            policies: all_of(replacement.policies),
            expected: replacement.expected.unwrap_or_default(),
        }
    }

    fn parse(self) -> Result<domain::Replacement, Malformed> {
        Ok(domain::Replacement {
            expected: self.is_conditional.then_some(self.expected),
            policies: parse_all(self.policies)?,
        })
    }
}

/// The faults in the order of their numbers on the wire, from 1.
const FAULTS: [PolicyFault; 11] = [
    PolicyFault::TooManyPolicies,
    PolicyFault::Name,
    PolicyFault::NameUsedTwice,
    PolicyFault::Limits,
    PolicyFault::Exempt,
    PolicyFault::Header,
    PolicyFault::Limit(LimitError::Requests),
    PolicyFault::Limit(LimitError::Window),
    PolicyFault::Limit(LimitError::Rate),
    PolicyFault::Limit(LimitError::Burst),
    PolicyFault::Prefix,
];

/// `message PolicyError { string policy = 1; uint32 fault = 2; bool too_many_expected = 3; optional uint64 current = 4; Unavailable unavailable = 5; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct PolicyError {
    /// For an invalid one.
    #[prost(string, tag = "1")]
    policy: String,
    /// For an invalid one; 0 for no fault.
    #[prost(uint32, tag = "2")]
    fault: u32,
    #[prost(bool, tag = "3")]
    too_many_expected: bool,
    /// For one that was not expected.
    #[prost(uint64, optional, tag = "4")]
    current: Option<u64>,
    #[prost(message, optional, tag = "5")]
    unavailable: Option<Away>,
}

impl Encodes<domain::PolicyError> for PolicyError {
    fn of(error: domain::PolicyError) -> Self {
        match error {
            domain::PolicyError::Invalid { policy, fault } => {
                let place = FAULTS.iter().position(|known| *known == fault);
                Self { policy, fault: place.map_or(0, |place| place as u32 + 1), ..Self::default() }
            }
            domain::PolicyError::Changed { current } => Self { current: Some(current), ..Self::default() },
            domain::PolicyError::TooManyExpected => Self { too_many_expected: true, ..Self::default() },
            domain::PolicyError::Unavailable(unavailable) => {
                Self { unavailable: Some(Away::of(unavailable)), ..Self::default() }
            }
        }
    }

    fn parse(self) -> Result<domain::PolicyError, Malformed> {
        if let Some(place) = (self.fault as usize).checked_sub(1) {
            let fault = FAULTS.get(place).ok_or(Malformed)?.clone();
            return Ok(domain::PolicyError::Invalid { policy: self.policy, fault });
        }
        if let Some(current) = self.current {
            return Ok(domain::PolicyError::Changed { current });
        }
        if self.too_many_expected {
            return Ok(domain::PolicyError::TooManyExpected);
        }
        required(self.unavailable).map(domain::PolicyError::Unavailable)
    }
}
