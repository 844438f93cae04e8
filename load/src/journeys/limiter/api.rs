//! The requests and replies of the limiter's public API.

mod headers;

use std::{
    fmt::{self, Display, Write},
    time::Duration,
};

use serde::Deserialize;

pub(super) use self::headers::{Said, read, tells_policy};
use super::{ledger_state::Promise, mix::Mix};
use crate::{
    http::{Method, RequestBuf},
    journeys::PolicyLine,
};

/// The header that identifies a client.
const CLIENT: &str = "x-client";
/// The number of different quotes requested.
const QUOTES: usize = 32;

/// The bytes of an exempted client's name in JSON, with quotes and comma.
const EXEMPT_BYTES: usize = 83;

/// The name of a numbered client. It includes the seed, so that no run shares counts with another.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientName {
    pub(super) seed: u64,
    pub(super) number: usize,
}

impl Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.seed, self.number)
    }
}

/// The parts of `GET /policies` that are used.
#[derive(Debug, Deserialize)]
pub(super) struct PoliciesView {
    policies: Vec<PolicyView>,
    bound: Vec<BoundView>,
}

#[derive(Debug, Deserialize)]
struct PolicyView {
    name: String,
    limits: Vec<LimitView>,
}

#[derive(Debug, Deserialize)]
struct LimitView {
    requests: u64,
    window_ms: u64,
}

/// The wiring's promise for one limit.
#[derive(Debug, Deserialize)]
struct BoundView {
    policy: String,
    requests: u64,
    window_ms: u64,
    at_most: u64,
    in_the_long_run: Option<u64>,
    refused_after: Option<u64>,
    refused_within_ms: Option<u64>,
}

impl BoundView {
    /// The promise, for a limit equal to this one. Without `refused_after`, it is derived: the policy itself
    /// if the bound is exact, otherwise the same number in twice the time, which every known algorithm keeps.
    fn promise(&self, limit: PolicyLine) -> Promise {
        let exactly = if self.at_most <= self.requests { 1 } else { 2 };
        let within = self.refused_within_ms.unwrap_or(self.window_ms.saturating_mul(exactly));
        Promise {
            limit,
            at_most: self.at_most,
            in_the_long_run: self.in_the_long_run.unwrap_or(self.at_most),
            refused_after: self.refused_after.unwrap_or(self.requests),
            refused_within: Duration::from_millis(within),
        }
    }
}

impl PoliciesView {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Whether the mix's policy is stored as it was sent.
    pub(super) fn has(&self, mix: Mix) -> bool {
        let is_same =
            |(theirs, ours): (&LimitView, &PolicyLine)| is_of(ours, theirs.requests, theirs.window_ms);
        self.policies.iter().any(|policy| {
            policy.name == mix.policy()
                && policy.limits.len() == mix.limits().len()
                && policy.limits.iter().zip(mix.limits()).all(is_same)
        })
    }

    /// The promise for a limit of the mix.
    pub(super) fn promise(&self, mix: Mix, limit: PolicyLine) -> Option<Promise> {
        let is_meant = |bound: &&BoundView| {
            bound.policy == mix.policy() && is_of(&limit, bound.requests, bound.window_ms)
        };
        self.bound.iter().find(is_meant).map(|bound| bound.promise(limit))
    }
}

fn is_of(limit: &PolicyLine, requests: u64, window_ms: u64) -> bool {
    u64::from(limit.requests) == requests && limit.window.as_millis() == u128::from(window_ms)
}

/// Requests a quote as a client.
pub(super) fn ask(client: ClientName, request: &mut RequestBuf) {
    let quote = client.number % QUOTES;
    request.write_with(Method::Get, format_args!("/quotes/{quote}"), (CLIENT, &client));
}

/// Replaces all policies by the mix's.
pub(super) fn replace_policies(mix: Mix, request: &mut RequestBuf) {
    let mut limits = String::new();
    for (nth, limit) in mix.limits().iter().enumerate() {
        let (comma, window) = (if nth == 0 { "" } else { "," }, limit.window.as_millis());
        // Writing to a `String` cannot fail.
        let _ = write!(limits, r#"{comma}{{"requests":{},"window_ms":{window}}}"#, limit.requests);
    }
    let (name, key) = (mix.policy(), format_args!(r#"{{"header":"{CLIENT}"}}"#).to_string());
    let body = format!(r#"{{"policies":[{{"name":"{name}","key":{key},"limits":[{limits}]}}]}}"#);
    request.write_json(Method::Put, "/policies", None, &body);
}

/// Stores one policy that is about this many bytes long when read; its exempt clients fill it.
pub(super) fn put_policies_of(bytes: usize, request: &mut RequestBuf) {
    let exempt: Vec<_> = (0..bytes / EXEMPT_BYTES).map(|n| format!(r#""exempt-client-{n:066}""#)).collect();
    let key = format!(r#"{{"header":"{CLIENT}"}}"#);
    let limits = r#"[{"requests":1000000,"window_ms":1000}]"#;
    let exempt = exempt.join(",");
    let body =
        format!(r#"{{"policies":[{{"name":"read","key":{key},"limits":{limits},"exempt":[{exempt}]}}]}}"#);
    request.write_json(Method::Put, "/policies", None, &body);
}

/// Reads the current policies and the system's promises for them.
pub(super) fn read_policies(request: &mut RequestBuf) {
    request.write(Method::Get, "/policies");
}
