//! The rate-limit headers of a reply (IETF draft `draft-ietf-httpapi-ratelimit-headers`):
//! `RateLimit-Policy: "name";q=100;w=1` is the policy, `RateLimit: "name";r=7;t=1` the client's standing
//! under it.

use crate::{
    http::{Reply, digits},
    journeys::{PolicyLine, limiter::mix::Mix},
};

/// The result of reading a reply's headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Said {
    /// Policy and standing are present, and `Retry-After` if the request was refused.
    All,
    /// The request was admitted without a standing: it was not counted.
    Nothing,
    /// A header is missing, or contradicts the policy or the status.
    Wrong,
}

/// Reads the headers of a 200 or a 429 under the mix's policy.
pub(in super::super) fn read(mix: Mix, reply: &Reply<'_>) -> Said {
    let refused = reply.status == 429;
    let Some(standing) = reply.list("ratelimit") else {
        return if refused { Said::Wrong } else { Said::Nothing };
    };
    let right = tells_policy(mix, reply)
        && stands(&standing, mix, refused.then(|| reply.header("retry-after").unwrap_or_default()));
    if right { Said::All } else { Said::Wrong }
}

/// Whether a reply names every limit of the mix's policy, and so was decided by it.
pub(in super::super) fn tells_policy(mix: Mix, reply: &Reply<'_>) -> bool {
    let Some(list) = reply.list("ratelimit-policy") else { return false };
    let is_told = |limit: &PolicyLine| {
        let is_it = |item: Item<'_>| {
            item.number("q") == Some(limit.requests.into()) && item.number("w") == Some(whole_seconds(limit))
        };
        items(&list, mix.policy()).any(is_it)
    };
    mix.limits().iter().all(is_told)
}

/// Whether each standing is possible under the policy, and `Retry-After` of a refusal is the time until every
/// exhausted limit has more: `t` in seconds (draft-ietf-httpapi-ratelimit-headers-10).
fn stands(text: &str, mix: Mix, retry_after: Option<&str>) -> bool {
    let most = mix.limits().iter().map(|limit| u64::from(limit.requests)).max().unwrap_or(0);
    let (mut any, mut more_after) = (false, None);
    for item in items(text, mix.policy()) {
        match (item.number("r"), item.number("t")) {
            (Some(0), Some(after)) => more_after = more_after.max(Some(after)),
            (Some(left), Some(_)) if left <= most => {}
            _ => return false,
        }
        any = true;
    }
    any && retry_after.is_none_or(|text| wait(text).is_some_and(|wait| more_after == Some(wait)))
}

/// The draft counts in whole seconds; a shorter window appears as one second.
fn whole_seconds(limit: &PolicyLine) -> u64 {
    limit.window.as_millis().div_ceil(1_000) as u64
}

/// `Retry-After` in seconds; at least one, because a zero would make clients spin.
fn wait(text: &str) -> Option<u64> {
    number(text).filter(|seconds| *seconds >= 1)
}

fn number(text: &str) -> Option<u64> {
    digits(text.as_bytes())
}

/// An item of a structured list (RFC 9651): a quoted name and its parameters.
#[derive(Clone, Copy, Debug)]
struct Item<'a> {
    name: &'a str,
    parameters: &'a str,
}

impl Item<'_> {
    fn number(&self, key: &str) -> Option<u64> {
        let pairs = self.parameters.split(';').filter_map(|pair| pair.trim().split_once('='));
        // Of repeated parameters the last one counts (RFC 9651, 4.2.3.2).
        number(pairs.rev().find(|(found, _)| *found == key)?.1)
    }
}

/// The items of one policy: `"name"`, and `"name/2"` and so on for its further limits.
/// A policy's name contains no comma and no semicolon, so a list can be split at them.
fn items<'a>(list: &'a str, policy: &'a str) -> impl Iterator<Item = Item<'a>> {
    let item = |text: &'a str| {
        let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
        Item { name: name.trim().trim_matches('"'), parameters }
    };
    let further = |rest: &str| rest.strip_prefix('/').is_some_and(|nth| number(nth).is_some());
    let is_of =
        move |name: &str| name.strip_prefix(policy).is_some_and(|rest| rest.is_empty() || further(rest));
    list.split(',').map(item).filter(move |item| is_of(item.name))
}

#[cfg(test)]
mod tests {
    use httparse::Header;

    use super::*;

    fn said(mix: Mix, status: u16, headers: &[(&'static str, &str)]) -> Said {
        let headers: Vec<Header<'_>> =
            headers.iter().map(|&(name, value)| Header { name, value: value.as_bytes() }).collect();
        read(mix, &Reply { status, headers: &headers, body: b"" })
    }

    const POLICY: (&str, &str) = ("RateLimit-Policy", r#""one-client";q=100;w=1"#);

    #[test]
    fn right_headers_tell_the_policy_the_standing_and_when_to_come_again() {
        let admitted = [POLICY, ("RateLimit", r#""one-client";r=7;t=1"#)];
        assert_eq!(said(Mix::OneClient, 200, &admitted), Said::All);
        let refused = [POLICY, ("RateLimit", r#""one-client"; r=0; t=1"#), ("Retry-After", "1")];
        assert_eq!(said(Mix::OneClient, 429, &refused), Said::All);
        let both = [
            ("RateLimit-Policy", r#""multi-limit";q=10;w=1, "multi-limit/2";q=1000;w=3600"#),
            ("RateLimit", r#""multi-limit";r=3;t=1, "multi-limit/2";r=0;t=2999"#),
            ("Retry-After", "2999"),
        ];
        assert_eq!(said(Mix::MultiLimit, 429, &both), Said::All);
        assert_eq!(said(Mix::MultiLimit, 200, &both[..2]), Said::All);
    }

    #[test]
    fn a_list_may_be_spread_over_lines() {
        let both = [
            ("RateLimit-Policy", r#""multi-limit";q=10;w=1"#),
            ("RateLimit", r#""multi-limit";r=3;t=1"#),
            ("RateLimit-Policy", r#""multi-limit/2";q=1000;w=3600"#),
            ("RateLimit", r#""multi-limit/2";r=0;t=3000"#),
            ("Retry-After", "3000"),
        ];
        assert_eq!(said(Mix::MultiLimit, 429, &both), Said::All);
        assert_eq!(said(Mix::MultiLimit, 429, &both[1..]), Said::Wrong, "one limit is not told");
    }

    #[test]
    fn an_admission_without_a_standing_was_not_counted() {
        assert_eq!(said(Mix::OneClient, 200, &[POLICY]), Said::Nothing);
        assert_eq!(said(Mix::OneClient, 429, &[POLICY]), Said::Wrong);
    }

    #[test]
    fn what_contradicts_the_policy_or_the_status_is_wrong() {
        let left = |text: &'static str| ("RateLimit", text);
        let wait = |text: &'static str| ("Retry-After", text);
        for (status, headers) in [
            (200, vec![left(r#""one-client";r=7;t=1"#)]),
            (200, vec![POLICY, left(r#""other";r=7;t=1"#)]),
            (200, vec![POLICY, left(r#""one-client-2";r=7;t=1"#)]),
            (200, vec![POLICY, left(r#""one-client";r=101;t=1"#)]),
            (200, vec![POLICY, left(r#""one-client";r=-1;t=1"#)]),
            (200, vec![POLICY, left(r#""one-client";r=7"#)]),
            (200, vec![("RateLimit-Policy", r#""one-client";q=99;w=1"#), left(r#""one-client";r=7;t=1"#)]),
            (429, vec![POLICY, left(r#""one-client";r=0;t=1"#)]),
            (429, vec![POLICY, left(r#""one-client";r=0;t=1"#), wait("0")]),
            (429, vec![POLICY, left(r#""one-client";r=0;t=1"#), wait("soon")]),
            (429, vec![POLICY, left(r#""one-client";r=0;t=1"#), wait("+1")]),
            (429, vec![POLICY, left(r#""one-client";r=0;t=1"#), wait("")]),
            (429, vec![POLICY, left(r#""one-client";r=0;t=1"#), wait("1"), wait("2")]),
            (200, vec![POLICY, left(r#""one-client";r=+7;t=1"#)]),
            (200, vec![("RateLimit-Policy", r#""one-client";q=+100;w=1"#), left(r#""one-client";r=7;t=1"#)]),
            (429, vec![POLICY, left(r#""one-client";r=7;t=1"#), wait("1")]),
            (429, vec![POLICY, left(r#""one-client";r=0;t=60"#), wait("6")]),
        ] {
            assert_eq!(said(Mix::OneClient, status, &headers), Said::Wrong, "{status} {headers:?}");
        }
    }
}
