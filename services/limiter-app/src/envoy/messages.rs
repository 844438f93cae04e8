//! Envoy's public messages: the fields that are used here, under their own numbers.

use limiter::{Ask, Decision, Fact, Limit, Verdict};

use crate::limiting::{self, text};

/// `envoy.service.ratelimit.v3.RateLimitRequest`
#[derive(Clone, PartialEq, prost::Message)]
pub struct RateLimitRequest {
    // `domain` (1) says whose limits: all are decided by the same policies.
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
    /// A limit of the proxy's own instead of the policies': not followed, and counted.
    #[prost(message, optional, tag = "2")]
    pub limit: Option<RateLimitOverride>,
    /// How many ordinary requests this descriptor counts for; where it is absent those of the request. One of 0 is judged
    /// as 1, and charges nothing.
    #[prost(message, optional, tag = "3")]
    pub hits_addend: Option<UInt64Value>,
    /// Whether the hits are to be given back: nothing is, it passes, and that is counted.
    #[prost(bool, tag = "4")]
    pub is_negative_hits: bool,
}

/// `envoy.extensions.common.ratelimit.v3.RateLimitDescriptor.RateLimitOverride`: that it is there is all that is read.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct RateLimitOverride {}

/// `google.protobuf.UInt64Value`
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct UInt64Value {
    /// The number.
    #[prost(uint64, tag = "1")]
    pub value: u64,
}

/// `envoy.extensions.common.ratelimit.v3.RateLimitDescriptor.Entry`, whose strings may be a client's and then no text.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Entry {
    /// What.
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    /// Its value.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
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

impl RateLimitRequest {
    /// The questions, in order; none for a descriptor that gives hits back, which asks for nothing.
    pub(super) fn asks(self, seen: impl Fn(&RateLimitDescriptor)) -> Vec<Option<Ask>> {
        let of_all = self.hits_addend.max(1);
        let ask = |descriptor: RateLimitDescriptor| {
            seen(&descriptor);
            // Far above what anything may cost.
            let own = descriptor.hits_addend.map(|own| u32::try_from(own.value).unwrap_or(u32::MAX));
            let facts = || descriptor.entries.iter().map(fact).collect();
            (!descriptor.is_negative_hits).then(|| Ask { facts: facts(), cost: own.unwrap_or(of_all) })
        };
        self.descriptors.into_iter().map(ask).collect()
    }
}

fn fact(entry: &Entry) -> Fact {
    // Names of headers have no case, and policies say them in lower case.
    let key = text(&entry.key).to_ascii_lowercase();
    let name = match key.as_str() {
        "remote_address" => "address".to_owned(),
        "address" | "token" => key,
        known if known.starts_with("header:") => key,
        other => format!("header:{other}"),
    };
    Fact { name: name.into(), value: text(&entry.value) }
}

impl RateLimitResponse {
    /// What was decided of each descriptor.
    pub(super) fn of(decisions: &[Decision]) -> Self {
        let refused = decisions.iter().find(|decision| matches!(decision.verdict, Verdict::Refused(_)));
        let spoken_of = refused.or(decisions.first());
        Self {
            overall_code: code(refused.is_none()).into(),
            statuses: decisions.iter().map(status).collect(),
            response_headers_to_add: spoken_of.map(headers).unwrap_or_default(),
        }
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
