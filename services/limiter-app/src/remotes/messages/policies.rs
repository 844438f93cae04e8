//! The messages of `policies`.

use limiter as domain;
use remote::Malformed;

use super::{all_from, all_into};
use crate::remotes::proto::{
    Address, CurrentRequest, CurrentResponse, Everyone, KeySource, Mode, Policy, PolicySet, ReplaceRequest,
    ReplaceResponse, Token, Versions, key_source::Source,
};

impl From<domain::Known> for CurrentRequest {
    fn from(known: domain::Known) -> Self {
        Self { version: known.version }
    }
}

impl From<CurrentRequest> for domain::Known {
    fn from(message: CurrentRequest) -> Self {
        Self { version: message.version }
    }
}

impl From<domain::KeySource> for KeySource {
    fn from(source: domain::KeySource) -> Self {
        Self {
            source: Some(match source {
                domain::KeySource::Address => Source::Address(Address { ipv6_prefix: None }),
                domain::KeySource::Ipv6Prefix(bits) => {
                    Source::Address(Address { ipv6_prefix: Some(bits.into()) })
                }
                domain::KeySource::Token => Source::Token(Token {}),
                domain::KeySource::Header(name) => Source::Header(name),
                domain::KeySource::Everyone => Source::Everyone(Everyone {}),
            }),
        }
    }
}

impl TryFrom<KeySource> for domain::KeySource {
    type Error = Malformed;

    fn try_from(message: KeySource) -> Result<Self, Malformed> {
        Ok(match Malformed::required("policies.key.source", message.source)? {
            Source::Address(Address { ipv6_prefix: None }) => Self::Address,
            Source::Address(Address { ipv6_prefix: Some(bits) }) => {
                Self::Ipv6Prefix(Malformed::field("policies.key.address.ipv6_prefix", bits.try_into())?)
            }
            Source::Token(Token {}) => Self::Token,
            Source::Header(name) => Self::Header(name),
            Source::Everyone(Everyone {}) => Self::Everyone,
        })
    }
}

impl From<domain::Policy> for Policy {
    fn from(policy: domain::Policy) -> Self {
        let mode = match policy.mode {
            domain::Mode::Enforce => Mode::Enforce,
            domain::Mode::Count => Mode::Count,
        };
        Self {
            name: policy.name,
            key: Some(policy.key.into()),
            limits: all_into(policy.limits),
            exempt: policy.exempt,
            mode: mode.into(),
        }
    }
}

impl TryFrom<Policy> for domain::Policy {
    type Error = Malformed;

    fn try_from(message: Policy) -> Result<Self, Malformed> {
        let mode = match message.mode() {
            Mode::Enforce => domain::Mode::Enforce,
            Mode::Count => domain::Mode::Count,
            Mode::Unspecified => return Err(Malformed::new("policies.mode", "it is required")),
        };
        Ok(Self {
            name: message.name,
            key: Malformed::required("policies.key", message.key)?.try_into()?,
            limits: all_from(message.limits)?,
            exempt: message.exempt,
            mode,
        })
    }
}

impl From<domain::PolicySet> for PolicySet {
    fn from(set: domain::PolicySet) -> Self {
        Self { version: set.version, policies: all_into(set.policies) }
    }
}

impl TryFrom<PolicySet> for domain::PolicySet {
    type Error = Malformed;

    fn try_from(message: PolicySet) -> Result<Self, Malformed> {
        Ok(Self { version: message.version, policies: all_from(message.policies)? })
    }
}

impl From<Option<domain::PolicySet>> for CurrentResponse {
    fn from(update: Option<domain::PolicySet>) -> Self {
        Self { policies: update.map(Into::into) }
    }
}

impl TryFrom<CurrentResponse> for Option<domain::PolicySet> {
    type Error = Malformed;

    fn try_from(message: CurrentResponse) -> Result<Self, Malformed> {
        message.policies.map(TryInto::try_into).transpose()
    }
}

impl From<domain::Replacement> for ReplaceRequest {
    fn from(replacement: domain::Replacement) -> Self {
        Self {
            policies: all_into(replacement.policies),
            expected: replacement.expected.map(|versions| Versions { versions }),
        }
    }
}

impl TryFrom<ReplaceRequest> for domain::Replacement {
    type Error = Malformed;

    fn try_from(message: ReplaceRequest) -> Result<Self, Malformed> {
        Ok(Self {
            policies: all_from(message.policies)?,
            expected: message.expected.map(|expected| expected.versions),
        })
    }
}

impl From<domain::PolicySet> for ReplaceResponse {
    fn from(set: domain::PolicySet) -> Self {
        Self { policies: Some(set.into()) }
    }
}

impl TryFrom<ReplaceResponse> for domain::PolicySet {
    type Error = Malformed;

    fn try_from(message: ReplaceResponse) -> Result<Self, Malformed> {
        Malformed::required("policies", message.policies)?.try_into()
    }
}
