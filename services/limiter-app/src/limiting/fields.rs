//! The rate-limit fields of a reply, as structured fields (RFC 9651).

use std::time::Duration;

use axum::{
    body::Bytes,
    http::{HeaderName, HeaderValue},
};
use bytes::BytesMut;
use limiter::{Decision, PolicyStanding};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The reserved length of one item, in bytes.
const LENGTH: usize = 48;
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// `RateLimit-Policy: "per-token";q=100;w=1` and `RateLimit: "per-token";r=99;t=1`, with an item for each limit.
///
/// The further limits of a policy have the names `"per-token/2"` and so on, which no policy can have. `t` is
/// the time until more than `r` is available; where `r` is 0, it equals `Retry-After`. The draft counts in
/// whole seconds, so a window or time below one second is rounded up.
pub(crate) fn standings(decision: &Decision) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
    // Both fields share one allocation.
    let mut text = BytesMut::with_capacity(2 * LENGTH * decision.standings.len());
    let policies = list(&mut text, decision, |standing| {
        [(";q=", standing.limit.requests().into()), (";w=", seconds(standing.limit.window()))]
    });
    let stands = list(&mut text, decision, |standing| {
        [(";r=", standing.remaining.into()), (";t=", seconds(standing.more_after))]
    });
    let fields = [(RATELIMIT_POLICY, policies), (RATELIMIT, stands)];
    let written = fields.into_iter().filter(|(_, value)| !value.is_empty());
    written.filter_map(|(name, value)| Some((name, HeaderValue::from_maybe_shared(value).ok()?)))
}

/// A list with an item for each limit, and two parameters for each item.
///
/// Written by hand because `format!` takes several times as long, and every reply needs this.
fn list(
    text: &mut BytesMut,
    decision: &Decision,
    parameters: impl Fn(&PolicyStanding) -> [(&'static str, u64); 2],
) -> Bytes {
    let mut digits = itoa::Buffer::new();
    let mut add = |part: &str| text.extend_from_slice(part.as_bytes());
    let (mut policy, mut number) = ("", 0_u32);
    // The limits of a policy are adjacent.
    for (place, standing) in decision.standings.iter().enumerate() {
        number = if standing.policy == policy { number + 1 } else { 1 };
        policy = &standing.policy;
        add(if place == 0 { "\"" } else { ", \"" });
        add(policy);
        if number > 1 {
            add("/");
            add(digits.format(number));
        }
        add("\"");
        for (name, value) in parameters(standing) {
            add(name);
            add(digits.format(value));
        }
    }
    text.split().freeze()
}

/// `Retry-After` in whole seconds, rounded up, at least one.
pub(crate) fn retry_after(after: Duration) -> HeaderValue {
    HeaderValue::from(seconds(after).max(1))
}

/// Rounded up.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use limiter::{Limit, Verdict};

    use super::*;

    fn standing(policy: &str, requests: u64, window_ms: u64) -> PolicyStanding {
        PolicyStanding {
            policy: policy.to_owned(),
            limit: Limit::new(requests, Duration::from_millis(window_ms), None).expect("a limit"),
            remaining: 7,
            more_after: Duration::from_millis(1_001),
            reset_after: Duration::from_mins(1),
        }
    }

    #[test]
    fn every_limit_is_told_in_whole_seconds() {
        let decision = Decision {
            verdict: Verdict::Admitted(Duration::ZERO),
            standings: vec![standing("a", 10, 100), standing("a", 90, 60_000), standing("b", 1, 1_000)],
            would_refuse: false,
            counted: true,
        };
        let said: HeaderMap = standings(&decision).collect();
        assert_eq!(said["ratelimit-policy"], r#""a";q=10;w=1, "a/2";q=90;w=60, "b";q=1;w=1"#);
        assert_eq!(said["ratelimit"], r#""a";r=7;t=2, "a/2";r=7;t=2, "b";r=7;t=2"#);
        assert_eq!(retry_after(Duration::ZERO), "1");
        assert_eq!(retry_after(Duration::from_millis(1_500)), "2");
        assert_eq!(standings(&Decision { standings: Vec::new(), ..decision }).count(), 0);
    }
}
