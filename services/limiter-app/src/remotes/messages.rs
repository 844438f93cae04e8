//! The mapping between protobuf messages and the contracts' types.

use std::time::Duration;

use limiter::{
    Ask, Asks, Charge, CountKey, Decision, Fact, KeySource, Known, Limit, Mode, Policy, PolicySet,
    PolicyStanding, Replacement, Standing, Take, Taken, Verdict,
};
use remote::{Codec, Malformed, Many, Nanos, Optional, Plain, Required};

use super::proto::{self, key_source::Source};

remote::messages! { proto:
    Known as CurrentRequest { version }
    Option<PolicySet> as CurrentResponse.policies by Optional;
    Replacement as ReplaceRequest { policies by Many, expected by Optional }
    Vec<u64> as Versions.versions;
    PolicySet as ReplaceResponse.policies by Required;
    PolicySet as PolicySet { version, policies by Many }
    Policy as Policy { name, key by Required, limits by Many, exempt, mode by ModeNumber }

    Ask as DecideRequest.ask by Required;
    Decision as DecideResponse.decision by Required;
    Asks as DecideAllRequest { asks by Many }
    Vec<Decision> as DecideAllResponse.decisions by Many;
    Ask as Ask { facts by Many, cost }
    Fact as Fact { name, value }
    PolicyStanding as PolicyStanding {
        policy,
        limit by Required,
        remaining,
        reset_after as reset_after_ns by Nanos,
        more_after as more_after_ns by Nanos,
    }

    Take as TakeRequest { charges by Many }
    Taken as TakeResponse { standings by Many }
    Charge as Charge { key by KeyText, limit by Required, enforced, cost }
    Standing as Standing {
        admits,
        remaining,
        reset_after as reset_after_ns by Nanos,
        retry_after as retry_after_ns by Optional<Nanos>,
        wait as wait_ns by Nanos,
        more_after as more_after_ns by Nanos,
    }
}

/// Encodes a mode as its enum number.
struct ModeNumber;

impl Codec<Mode, i32> for ModeNumber {
    fn write(mode: Mode) -> i32 {
        match mode {
            Mode::Enforce => proto::Mode::Enforce.into(),
            Mode::Count => proto::Mode::Count.into(),
        }
    }

    fn read(field: &'static str, number: i32) -> Result<Mode, Malformed> {
        match proto::Mode::try_from(number) {
            Ok(proto::Mode::Enforce) => Ok(Mode::Enforce),
            Ok(proto::Mode::Count) => Ok(Mode::Count),
            Ok(proto::Mode::Unspecified) | Err(_) => Err(Malformed::new(field, "it is required")),
        }
    }
}

/// Encodes the name of a count as text.
struct KeyText;

impl Codec<CountKey, String> for KeyText {
    fn write(CountKey(text): CountKey) -> String {
        text
    }

    fn read(_: &'static str, text: String) -> Result<CountKey, Malformed> {
        Ok(CountKey(text))
    }
}

impl From<Limit> for proto::Limit {
    fn from(limit: Limit) -> Self {
        Self {
            requests: limit.requests().into(),
            window_ms: limit.window().as_millis() as u64,
            burst: limit.burst().into(),
        }
    }
}

impl TryFrom<proto::Limit> for Limit {
    type Error = limiter::LimitError;

    fn try_from(message: proto::Limit) -> Result<Self, limiter::LimitError> {
        Self::new(message.requests, Duration::from_millis(message.window_ms), Some(message.burst))
    }
}

impl From<KeySource> for proto::KeySource {
    fn from(source: KeySource) -> Self {
        let by_address = |ipv6_prefix| Source::Address(proto::Address { ipv6_prefix });
        Self {
            source: Some(match source {
                KeySource::Address => by_address(None),
                KeySource::Ipv6Prefix(bits) => by_address(Some(bits.into())),
                KeySource::Token => Source::Token(proto::Token {}),
                KeySource::Header(name) => Source::Header(name),
                KeySource::Everyone => Source::Everyone(proto::Everyone {}),
            }),
        }
    }
}

impl TryFrom<proto::KeySource> for KeySource {
    type Error = Malformed;

    fn try_from(message: proto::KeySource) -> Result<Self, Malformed> {
        Ok(match Malformed::required("source", message.source)? {
            Source::Address(proto::Address { ipv6_prefix: None }) => Self::Address,
            Source::Address(proto::Address { ipv6_prefix: Some(bits) }) => {
                Self::Ipv6Prefix(Malformed::field("address.ipv6_prefix", bits.try_into())?)
            }
            Source::Token(proto::Token {}) => Self::Token,
            Source::Header(name) => Self::Header(name),
            Source::Everyone(proto::Everyone {}) => Self::Everyone,
        })
    }
}

impl From<Decision> for proto::Decision {
    fn from(decision: Decision) -> Self {
        let (verdict, after) = match decision.verdict {
            Verdict::Admitted(after) => (proto::Verdict::Admitted, Some(after)),
            Verdict::Refused(after) => (proto::Verdict::Refused, after),
        };
        Self {
            verdict: verdict.into(),
            after_ns: Optional::<Nanos>::write(after),
            standings: Many::<Plain>::write(decision.standings),
            would_refuse: decision.would_refuse,
            counted: decision.counted,
        }
    }
}

impl TryFrom<proto::Decision> for Decision {
    type Error = Malformed;

    fn try_from(message: proto::Decision) -> Result<Self, Malformed> {
        let after = message.after_ns.map(Duration::from_nanos);
        let verdict = match message.verdict() {
            proto::Verdict::Admitted => Verdict::Admitted(Malformed::required("after_ns", after)?),
            proto::Verdict::Refused => Verdict::Refused(after),
            proto::Verdict::Unspecified => return Err(Malformed::new("verdict", "it is required")),
        };
        Ok(Self {
            verdict,
            standings: Many::<Plain>::read("standings", message.standings)?,
            would_refuse: message.would_refuse,
            counted: message.counted,
        })
    }
}
