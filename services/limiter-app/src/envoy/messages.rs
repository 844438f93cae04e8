//! Conversions from Envoy's messages to questions, and from decisions to Envoy's messages.

use limiter::{Ask, Decision, Fact, Limit, Verdict};

use super::proto::{
    HeaderValue, RateLimitDescriptor, RateLimitRequest, RateLimitResponse,
    rate_limit_descriptor::Entry,
    rate_limit_response::{Code, DescriptorStatus, RateLimit, rate_limit::Unit},
};
use crate::limiting::{self, text};

impl RateLimitRequest {
    /// The questions, in order; `None` for a descriptor that returns hits, which needs no decision.
    pub(super) fn asks(self, seen: impl Fn(&RateLimitDescriptor)) -> Vec<Option<Ask>> {
        let of_all = self.hits_addend.max(1);
        let ask = |descriptor: RateLimitDescriptor| {
            seen(&descriptor);
            // Far above the maximum cost, so it is refused.
            let own = descriptor.hits_addend.map(|own| u32::try_from(own).unwrap_or(u32::MAX));
            let facts = || descriptor.entries.iter().map(fact).collect();
            (!descriptor.is_negative_hits).then(|| Ask { facts: facts(), cost: own.unwrap_or(of_all) })
        };
        self.descriptors.into_iter().map(ask).collect()
    }
}

fn fact(entry: &Entry) -> Fact {
    // Header names are case-insensitive, and policies have them in lower case.
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
    /// The response from the decisions, one per descriptor.
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
            unit: unit(&standing.limit).into(),
            name: standing.policy.clone(),
        }),
        limit_remaining: tightest.map_or(0, |standing| standing.remaining),
        duration_until_reset: tightest.and_then(|standing| standing.reset_after.try_into().ok()),
    }
}

fn unit(limit: &Limit) -> Unit {
    match limit.window().as_millis() {
        1_000 => Unit::Second,
        60_000 => Unit::Minute,
        3_600_000 => Unit::Hour,
        86_400_000 => Unit::Day,
        _ => Unit::Unknown,
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
