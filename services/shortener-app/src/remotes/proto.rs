//! The protobuf messages of the contracts, one for each type, of the same name.

use std::collections::BTreeMap;

use contract::{Timestamp, Unavailable, Why};
use remote::{Encodes, Malformed};
use shortener::{self as domain, RequestKey, TallyId, Target};

/// `message Code { string text = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Code {
    #[prost(string, tag = "1")]
    text: String,
}

impl Encodes<domain::Code> for Code {
    fn of(code: domain::Code) -> Self {
        Self { text: code.into() }
    }

    fn parse(self) -> Result<domain::Code, Malformed> {
        domain::Code::parse(self.text).map_err(|_| Malformed)
    }
}

/// `message LinkId { bytes id = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct LinkId {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
}

impl Encodes<domain::LinkId> for LinkId {
    fn of(link: domain::LinkId) -> Self {
        Self { id: link.0.to_be_bytes().to_vec() }
    }

    fn parse(self) -> Result<domain::LinkId, Malformed> {
        uuid(self.id).map(domain::LinkId)
    }
}

fn uuid(bytes: Vec<u8>) -> Result<u128, Malformed> {
    bytes.try_into().map(u128::from_be_bytes).map_err(|_| Malformed)
}

/// `message Shorten { string target = 1; optional string alias = 2; optional uint64 expires_ms = 3; string key = 4; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Shorten {
    #[prost(string, tag = "1")]
    target: String,
    #[prost(string, optional, tag = "2")]
    alias: Option<String>,
    #[prost(uint64, optional, tag = "3")]
    expires_ms: Option<u64>,
    #[prost(string, tag = "4")]
    key: String,
}

impl Encodes<domain::Shorten> for Shorten {
    fn of(shorten: domain::Shorten) -> Self {
        Self {
            target: shorten.target.into(),
            alias: shorten.alias.map(Into::into),
            expires_ms: shorten.expires_at.map(Timestamp::millis),
            key: shorten.key.into(),
        }
    }

    fn parse(self) -> Result<domain::Shorten, Malformed> {
        Ok(domain::Shorten {
            target: Target::try_from(self.target).map_err(|_| Malformed)?,
            alias: self.alias.map(domain::Code::parse).transpose().map_err(|_| Malformed)?,
            expires_at: self.expires_ms.map(Timestamp::from_millis),
            key: RequestKey::parse(self.key).map_err(|_| Malformed)?,
        })
    }
}

/// `message Link { string code = 1; string target = 2; uint64 created_ms = 3; optional uint64 expires_ms = 4; bytes id = 5; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Link {
    #[prost(string, tag = "1")]
    code: String,
    #[prost(string, tag = "2")]
    target: String,
    #[prost(uint64, tag = "3")]
    created_ms: u64,
    #[prost(uint64, optional, tag = "4")]
    expires_ms: Option<u64>,
    #[prost(bytes = "vec", tag = "5")]
    id: Vec<u8>,
}

impl Encodes<domain::Link> for Link {
    fn of(link: domain::Link) -> Self {
        Self {
            code: link.code.into(),
            target: link.target.into(),
            created_ms: link.created_at.millis(),
            expires_ms: link.expires_at.map(Timestamp::millis),
            id: link.id.0.to_be_bytes().to_vec(),
        }
    }

    fn parse(self) -> Result<domain::Link, Malformed> {
        Ok(domain::Link {
            id: uuid(self.id).map(domain::LinkId)?,
            code: domain::Code::parse(self.code).map_err(|_| Malformed)?,
            target: Target::try_from(self.target).map_err(|_| Malformed)?,
            created_at: Timestamp::from_millis(self.created_ms),
            expires_at: self.expires_ms.map(Timestamp::from_millis),
        })
    }
}

/// `message Removed {}`
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Removed {}

impl Encodes<domain::Removed> for Removed {
    fn of(_: domain::Removed) -> Self {
        Self {}
    }

    fn parse(self) -> Result<domain::Removed, Malformed> {
        Ok(domain::Removed)
    }
}

/// `message Tally { bytes id = 1; map<string, uint32> counts = 2; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Tally {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(btree_map = "string, uint32", tag = "2")]
    counts: BTreeMap<String, u32>,
}

/// `message Tallies { repeated Tally tallies = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Tallies {
    #[prost(message, repeated, tag = "1")]
    tallies: Vec<Tally>,
}

impl Encodes<domain::Tallies> for Tallies {
    fn of(tallies: domain::Tallies) -> Self {
        let message = |tally: domain::Tally| Tally {
            id: tally.id.0.to_be_bytes().to_vec(),
            counts: tally.counts.into_iter().map(|(link, clicks)| (link.into(), clicks)).collect(),
        };
        Self { tallies: tallies.0.into_iter().map(message).collect() }
    }

    fn parse(self) -> Result<domain::Tallies, Malformed> {
        let count = |(link, clicks): (String, u32)| {
            Ok((domain::LinkId::parse(&link).map_err(|_| Malformed)?, clicks))
        };
        let tally = |message: Tally| {
            Ok(domain::Tally {
                id: uuid(message.id).map(TallyId)?,
                counts: message.counts.into_iter().map(count).collect::<Result<_, _>>()?,
            })
        };
        self.tallies.into_iter().map(tally).collect::<Result<_, _>>().map(domain::Tallies)
    }
}

/// `message Recorded {}`
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Recorded {}

impl Encodes<domain::Recorded> for Recorded {
    fn of(_: domain::Recorded) -> Self {
        Self {}
    }

    fn parse(self) -> Result<domain::Recorded, Malformed> {
        Ok(domain::Recorded)
    }
}

/// `message ClickCount { uint64 clicks = 1; }`
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct ClickCount {
    #[prost(uint64, tag = "1")]
    clicks: u64,
}

impl Encodes<domain::ClickCount> for ClickCount {
    fn of(count: domain::ClickCount) -> Self {
        Self { clicks: count.clicks }
    }

    fn parse(self) -> Result<domain::ClickCount, Malformed> {
        Ok(domain::ClickCount { clicks: self.clicks })
    }
}

/// Which error, in [`LinkError::what`] and [`ClickError::what`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum What {
    /// Not an error of ours.
    Unspecified = 0,
    /// The component, or what it stands on, did not answer.
    Unavailable = 1,
    /// The shortener keeps the alias for itself.
    AliasReserved = 3,
    /// The expiry is not in the future.
    ExpiryInThePast = 4,
    /// Another link has the alias.
    AliasTaken = 5,
    /// The key was used for a different request.
    KeyReused = 6,
    /// No link has the code.
    NotFound = 7,
    /// The link has expired.
    Expired = 8,
    /// More counts than one call carries.
    TooManyCounts = 9,
}

/// `message LinkError { What what = 1; string subject = 2; uint32 why = 3; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct LinkError {
    #[prost(enumeration = "What", tag = "1")]
    what: i32,
    /// The code or alias, or for `Unavailable` the service.
    #[prost(string, tag = "2")]
    subject: String,
    /// For `Unavailable`.
    #[prost(uint32, tag = "3")]
    why: u32,
}

impl Encodes<domain::LinkError> for LinkError {
    fn of(error: domain::LinkError) -> Self {
        use domain::LinkError as Error;
        let mut why = 0;
        let (what, subject) = match error {
            Error::AliasReserved { alias } => (What::AliasReserved, alias.into()),
            Error::ExpiryInThePast => (What::ExpiryInThePast, String::new()),
            Error::AliasTaken { alias } => (What::AliasTaken, alias.into()),
            Error::KeyReused => (What::KeyReused, String::new()),
            Error::NotFound { code } => (What::NotFound, code.into()),
            Error::Expired { code } => (What::Expired, code.into()),
            Error::Unavailable(unavailable) => {
                why = number_of(unavailable.why);
                (What::Unavailable, unavailable.service)
            }
        };
        Self { what: what.into(), subject, why }
    }

    fn parse(self) -> Result<domain::LinkError, Malformed> {
        use domain::LinkError as Error;
        let what = self.what();
        let code = || domain::Code::parse(self.subject.clone()).map_err(|_| Malformed);
        Ok(match what {
            What::AliasReserved => Error::AliasReserved { alias: code()? },
            What::ExpiryInThePast => Error::ExpiryInThePast,
            What::AliasTaken => Error::AliasTaken { alias: code()? },
            What::KeyReused => Error::KeyReused,
            What::NotFound => Error::NotFound { code: code()? },
            What::Expired => Error::Expired { code: code()? },
            What::Unavailable => Error::Unavailable(unavailable(self.subject, self.why)?),
            What::Unspecified | What::TooManyCounts => return Err(Malformed),
        })
    }
}

/// `message ClickError { What what = 1; string subject = 2; uint32 why = 3; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct ClickError {
    #[prost(enumeration = "What", tag = "1")]
    what: i32,
    /// For `Unavailable`, the service.
    #[prost(string, tag = "2")]
    subject: String,
    /// For `Unavailable`.
    #[prost(uint32, tag = "3")]
    why: u32,
}

impl Encodes<domain::ClickError> for ClickError {
    fn of(error: domain::ClickError) -> Self {
        match error {
            domain::ClickError::TooManyCounts => Self { what: What::TooManyCounts.into(), ..Self::default() },
            domain::ClickError::Unavailable(unavailable) => Self {
                what: What::Unavailable.into(),
                why: number_of(unavailable.why),
                subject: unavailable.service,
            },
        }
    }

    fn parse(self) -> Result<domain::ClickError, Malformed> {
        match self.what() {
            What::TooManyCounts => Ok(domain::ClickError::TooManyCounts),
            What::Unavailable => Ok(domain::ClickError::Unavailable(unavailable(self.subject, self.why)?)),
            _ => Err(Malformed),
        }
    }
}

/// The reasons in the order of their numbers on the wire, from 1.
const REASONS: [Why; 5] = [Why::Unreachable, Why::TimedOut, Why::Overloaded, Why::Misunderstood, Why::Broken];

fn number_of(why: Why) -> u32 {
    REASONS.iter().position(|reason| *reason == why).map_or(0, |place| place as u32 + 1)
}

fn unavailable(service: String, why: u32) -> Result<Unavailable, Malformed> {
    let place = (why as usize).checked_sub(1).ok_or(Malformed)?;
    let why = *REASONS.get(place).ok_or(Malformed)?;
    Ok(Unavailable { service, why })
}
