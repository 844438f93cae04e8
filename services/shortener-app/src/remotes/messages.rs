//! How the messages of protobuf become the types of the contracts, and those become messages.

use contract::Timestamp;
use remote::Malformed;
use shortener::{self as domain, Code, RequestKey, TallyId, Target};

use super::proto::{
    CountRequest, CountResponse, Link, RecordRequest, RecordResponse, RemoveRequest, RemoveResponse,
    ResolveRequest, ResolveResponse, ShortenRequest, ShortenResponse, Tally,
};

fn code(field: &'static str, text: String) -> Result<Code, Malformed> {
    Malformed::field(field, Code::parse(text))
}

fn uuid(field: &'static str, bytes: Vec<u8>) -> Result<u128, Malformed> {
    bytes.try_into().map(u128::from_be_bytes).map_err(|_| Malformed::new(field, "a UUID is 16 bytes"))
}

impl From<domain::Shorten> for ShortenRequest {
    fn from(shorten: domain::Shorten) -> Self {
        Self {
            target: shorten.target.into(),
            alias: shorten.alias.map(Into::into),
            expires_at_ms: shorten.expires_at.map(Timestamp::millis),
            key: shorten.key.into(),
        }
    }
}

impl TryFrom<ShortenRequest> for domain::Shorten {
    type Error = Malformed;

    fn try_from(message: ShortenRequest) -> Result<Self, Malformed> {
        Ok(Self {
            target: Malformed::field("target", Target::try_from(message.target))?,
            alias: message.alias.map(|alias| code("alias", alias)).transpose()?,
            expires_at: message.expires_at_ms.map(Timestamp::from_millis),
            key: Malformed::field("key", RequestKey::parse(message.key))?,
        })
    }
}

impl From<domain::Link> for Link {
    fn from(link: domain::Link) -> Self {
        Self {
            code: link.code.into(),
            target: link.target.into(),
            created_at_ms: link.created_at.millis(),
            expires_at_ms: link.expires_at.map(Timestamp::millis),
            id: link.id.0.to_be_bytes().to_vec(),
        }
    }
}

impl TryFrom<Link> for domain::Link {
    type Error = Malformed;

    fn try_from(message: Link) -> Result<Self, Malformed> {
        Ok(Self {
            id: domain::LinkId(uuid("link.id", message.id)?),
            code: code("link.code", message.code)?,
            target: Malformed::field("link.target", Target::try_from(message.target))?,
            created_at: Timestamp::from_millis(message.created_at_ms),
            expires_at: message.expires_at_ms.map(Timestamp::from_millis),
        })
    }
}

/// A reply that is a link.
macro_rules! is_a_link {
    ($( $message:ident ),+) => { $(
        impl From<domain::Link> for $message {
            fn from(link: domain::Link) -> Self {
                Self { link: Some(link.into()) }
            }
        }

        impl TryFrom<$message> for domain::Link {
            type Error = Malformed;

            fn try_from(message: $message) -> Result<Self, Malformed> {
                Malformed::required("link", message.link)?.try_into()
            }
        }
    )+ };
}

is_a_link!(ShortenResponse, ResolveResponse);

/// A request that is a code.
macro_rules! is_a_code {
    ($( $message:ident ),+) => { $(
        impl From<Code> for $message {
            fn from(code: Code) -> Self {
                Self { code: code.into() }
            }
        }

        impl TryFrom<$message> for Code {
            type Error = Malformed;

            fn try_from(message: $message) -> Result<Self, Malformed> {
                code("code", message.code)
            }
        }
    )+ };
}

is_a_code!(ResolveRequest, RemoveRequest);

impl From<domain::Removed> for RemoveResponse {
    fn from(_: domain::Removed) -> Self {
        Self {}
    }
}

impl From<RemoveResponse> for domain::Removed {
    fn from(_: RemoveResponse) -> Self {
        Self
    }
}

impl From<domain::Tally> for Tally {
    fn from(tally: domain::Tally) -> Self {
        Self {
            id: tally.id.0.to_be_bytes().to_vec(),
            counts: tally.counts.into_iter().map(|(link, clicks)| (link.into(), clicks)).collect(),
        }
    }
}

impl TryFrom<Tally> for domain::Tally {
    type Error = Malformed;

    fn try_from(message: Tally) -> Result<Self, Malformed> {
        let count = |(link, clicks): (String, u32)| {
            Ok((Malformed::field("tallies.counts", domain::LinkId::parse(&link))?, clicks))
        };
        Ok(Self {
            id: TallyId(uuid("tallies.id", message.id)?),
            counts: message.counts.into_iter().map(count).collect::<Result<_, Malformed>>()?,
        })
    }
}

impl From<domain::Tallies> for RecordRequest {
    fn from(tallies: domain::Tallies) -> Self {
        Self { tallies: tallies.0.into_iter().map(Into::into).collect() }
    }
}

impl TryFrom<RecordRequest> for domain::Tallies {
    type Error = Malformed;

    fn try_from(message: RecordRequest) -> Result<Self, Malformed> {
        message.tallies.into_iter().map(TryInto::try_into).collect::<Result<_, _>>().map(Self)
    }
}

impl From<domain::Recorded> for RecordResponse {
    fn from(_: domain::Recorded) -> Self {
        Self {}
    }
}

impl From<RecordResponse> for domain::Recorded {
    fn from(_: RecordResponse) -> Self {
        Self
    }
}

impl From<domain::LinkId> for CountRequest {
    fn from(link: domain::LinkId) -> Self {
        Self { link_id: link.0.to_be_bytes().to_vec() }
    }
}

impl TryFrom<CountRequest> for domain::LinkId {
    type Error = Malformed;

    fn try_from(message: CountRequest) -> Result<Self, Malformed> {
        uuid("link_id", message.link_id).map(Self)
    }
}

impl From<domain::ClickCount> for CountResponse {
    fn from(count: domain::ClickCount) -> Self {
        Self { clicks: count.clicks }
    }
}

impl From<CountResponse> for domain::ClickCount {
    fn from(message: CountResponse) -> Self {
        Self { clicks: message.clicks }
    }
}
