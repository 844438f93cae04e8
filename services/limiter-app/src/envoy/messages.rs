//! Envoy's public messages: the fields that are used here, under their own numbers.

use limiter::{Ask, Decision, DecisionError, Fact, Limit, Verdict};
use remote::{Encodes, Malformed};

use super::{Answered, Asked};
use crate::limiting;

/// `envoy.service.ratelimit.v3.RateLimitRequest`
#[derive(Clone, PartialEq, prost::Message)]
pub struct RateLimitRequest {
    /// Whose limits; all descriptors are decided by the same policies.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// The questions.
    #[prost(message, repeated, tag = "2")]
    pub descriptors: Vec<RateLimitDescriptor>,
    /// How many ordinary requests it counts for; 0 means 1.
    #[prost(uint32, tag = "3")]
    pub hits_addend: u32,
}

/// `envoy.extensions.common.ratelimit.v3.RateLimitDescriptor`
#[derive(Clone, PartialEq, prost::Message)]
pub struct RateLimitDescriptor {
    /// What is known of the request.
    #[prost(message, repeated, tag = "1")]
    pub entries: Vec<Entry>,
}

/// `envoy.extensions.common.ratelimit.v3.RateLimitDescriptor.Entry`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Entry {
    /// What.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Its value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `envoy.service.ratelimit.v3.RateLimitResponse.Code`
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Code {
    /// Not known.
    Unknown = 0,
    /// It passes.
    Ok = 1,
    /// It does not.
    OverLimit = 2,
}

/// `envoy.service.ratelimit.v3.RateLimitResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct RateLimitResponse {
    /// Whether the request passes.
    #[prost(enumeration = "Code", tag = "1")]
    pub overall_code: i32,
    /// For each descriptor.
    #[prost(message, repeated, tag = "2")]
    pub statuses: Vec<DescriptorStatus>,
    /// What the reply to the client is given.
    #[prost(message, repeated, tag = "3")]
    pub response_headers_to_add: Vec<HeaderValue>,
}

/// `envoy.service.ratelimit.v3.RateLimitResponse.DescriptorStatus`
#[derive(Clone, PartialEq, prost::Message)]
pub struct DescriptorStatus {
    /// Whether it passes.
    #[prost(enumeration = "Code", tag = "1")]
    pub code: i32,
    /// Of the limits that apply, the one that has least left.
    #[prost(message, optional, tag = "2")]
    pub current_limit: Option<RateLimit>,
    /// How much of it is left.
    #[prost(uint32, tag = "3")]
    pub limit_remaining: u32,
    /// After how long all of it is there again: as long as a window of the calendar lasts, where there is one. A proxy
    /// makes `x-ratelimit-reset` of it; when one more request passes is `t` in the header `RateLimit`.
    #[prost(message, optional, tag = "4")]
    pub duration_until_reset: Option<Duration>,
}

/// `envoy.service.ratelimit.v3.RateLimitResponse.RateLimit`
#[derive(Clone, PartialEq, prost::Message)]
pub struct RateLimit {
    /// The requests.
    #[prost(uint32, tag = "1")]
    pub requests_per_unit: u32,
    /// 1 for a second, 2 for a minute, 3 for an hour, 4 for a day; 0 where the window is none of them.
    #[prost(int32, tag = "2")]
    pub unit: i32,
    /// The policy.
    #[prost(string, tag = "3")]
    pub name: String,
}

/// `envoy.config.core.v3.HeaderValue`
#[derive(Clone, PartialEq, prost::Message)]
pub struct HeaderValue {
    /// Its name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Its value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `google.protobuf.Duration`
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// What a failed call carries: nothing that a proxy would read.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Failure {}

impl Encodes<DecisionError> for Failure {
    fn of(_: DecisionError) -> Self {
        Self {}
    }

    fn parse(self) -> Result<DecisionError, Malformed> {
        Err(Malformed)
    }
}

impl Encodes<Asked> for RateLimitRequest {
    fn of(Asked(asks): Asked) -> Self {
        let hits_addend = asks.first().map_or(0, |ask| ask.cost);
        let entry = |fact: Fact| Entry { key: fact.name.into_owned(), value: fact.value };
        let descriptor =
            |ask: Ask| RateLimitDescriptor { entries: ask.facts.into_iter().map(entry).collect() };
        Self { domain: String::new(), descriptors: asks.into_iter().map(descriptor).collect(), hits_addend }
    }

    fn parse(self) -> Result<Asked, Malformed> {
        let cost = self.hits_addend.max(1);
        let ask = |descriptor: RateLimitDescriptor| Ask {
            facts: descriptor.entries.into_iter().map(fact).collect(),
            cost,
        };
        Ok(Asked(self.descriptors.into_iter().map(ask).collect()))
    }
}

fn fact(entry: Entry) -> Fact {
    let name = match entry.key.as_str() {
        "remote_address" => "address".to_owned(),
        "address" | "token" => entry.key,
        known if known.starts_with("header:") => entry.key,
        // Names of headers have no case, and policies say them in lower case.
        other => format!("header:{}", other.to_ascii_lowercase()),
    };
    Fact { name: name.into(), value: entry.value }
}

impl Encodes<Answered> for RateLimitResponse {
    fn of(Answered(decisions): Answered) -> Self {
        let refused = decisions.iter().find(|decision| matches!(decision.verdict, Verdict::Refused(_)));
        let spoken_of = refused.or(decisions.first());
        Self {
            overall_code: code(refused.is_none()).into(),
            statuses: decisions.iter().map(status).collect(),
            response_headers_to_add: spoken_of.map(headers).unwrap_or_default(),
        }
    }

    fn parse(self) -> Result<Answered, Malformed> {
        Err(Malformed)
    }
}

fn code(passes: bool) -> Code {
    if passes { Code::Ok } else { Code::OverLimit }
}

fn status(decision: &Decision) -> DescriptorStatus {
    let tightest = decision.standings.iter().min_by_key(|standing| standing.remaining);
    DescriptorStatus {
        code: code(matches!(decision.verdict, Verdict::Admitted(_))).into(),
        current_limit: tightest.map(|standing| RateLimit {
            requests_per_unit: standing.limit.requests(),
            unit: unit(&standing.limit),
            name: standing.policy.clone(),
        }),
        limit_remaining: tightest.map_or(0, |standing| standing.remaining),
        duration_until_reset: tightest.map(|standing| Duration {
            seconds: standing.reset_after.as_secs().cast_signed(),
            nanos: standing.reset_after.subsec_nanos().cast_signed(),
        }),
    }
}

fn unit(limit: &Limit) -> i32 {
    match limit.window().as_millis() {
        1_000 => 1,
        60_000 => 2,
        3_600_000 => 3,
        86_400_000 => 4,
        _ => 0,
    }
}

fn headers(decision: &Decision) -> Vec<HeaderValue> {
    let retry_after = match decision.verdict {
        Verdict::Refused(Some(after)) => {
            Some((axum::http::header::RETRY_AFTER, limiting::retry_after(after)))
        }
        Verdict::Refused(None) | Verdict::Admitted(_) => None,
    };
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    limiting::standings(decision)
        .chain(retry_after)
        .map(|(name, value)| HeaderValue { key: name.to_string(), value: text(&value) })
        .collect()
}
