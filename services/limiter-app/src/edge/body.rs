//! The requests and replies of the public API.

use std::{collections::BTreeMap, time::Duration};

use limiter::{
    Algorithm, Ask, Decision, Fact, KeySource, Limit, Mode, Policy, PolicyError, PolicyFault, PolicySet,
    PolicyStanding, Verdict,
};
use runtime::edge::integers::{whole, whole_or_null};
use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema as _, ToSchema};

use super::{facts::each_once, schemas};
use crate::limiting::NEVER_FITS;

/// The guarantee of a wiring for its limits.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The number of processes that count separately, each of which may admit the whole limit.
    pub counters: u32,
    /// Whether they merge their counts afterwards.
    pub is_synced: bool,
}

/// A quote.
#[derive(Serialize, ToSchema)]
pub(super) struct QuoteShown {
    /// Its number.
    #[schema(schema_with = schemas::Number::schema)]
    pub(super) number: u64,
    /// What it says.
    pub(super) text: &'static str,
}

/// The body of `PUT /policies`. What `GET /policies` shows beside the policies is left alone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PoliciesAsked {
    /// At most 16, each name once.
    #[schema(schema_with = schemas::Policies::schema)]
    policies: Vec<PolicyText>,
    #[serde(default, deserialize_with = "whole_or_null")]
    #[schema(schema_with = schemas::Version::schema, required = false)]
    #[expect(dead_code, reason = "what was read may be sent back as it is")]
    version: Option<u64>,
    #[serde(default)]
    #[schema(schema_with = schemas::Bound::schema, required = false)]
    #[expect(dead_code, reason = "what was read may be sent back as it is")]
    bound: Option<Vec<serde_json::Map<String, serde_json::Value>>>,
}

/// The policies in force.
#[derive(Serialize, ToSchema)]
pub(super) struct PoliciesShown {
    /// Grows with every change.
    version: u64,
    /// At most 16.
    #[schema(schema_with = schemas::Policies::schema)]
    policies: Vec<PolicyText>,
    /// For each limit: how many requests of one key this wiring admits at most, and before how many it refuses none.
    bound: Vec<BoundShown>,
}

/// A policy: who is limited, and how far.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyText {
    /// 1 to 64 characters of `[0-9a-z-]`.
    #[schema(schema_with = schemas::Name::schema)]
    name: String,
    /// What tells one client from another: `"address"`, `"token"`, `"everyone"` or `{"header": "x-api-key"}`.
    #[schema(schema_with = schemas::Key::schema)]
    key: KeyText,
    /// 1 to 4; all of them apply.
    #[schema(schema_with = schemas::Limits::schema)]
    limits: Vec<LimitText>,
    /// Key values that this policy leaves alone, at most 1,000; each can be a client's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(schema_with = schemas::Exempt::schema, required = false)]
    exempt: Vec<String>,
    /// `"enforce"`, or `"count"` to refuse nothing and count what would be refused.
    #[serde(default)]
    #[schema(schema_with = schemas::Mode::schema, required = false)]
    mode: Mode,
}

/// What tells clients apart.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KeyText {
    Address,
    #[serde(rename = "ipv6_prefix", deserialize_with = "whole")]
    Ipv6Prefix(u64),
    Token,
    Header(String),
    Everyone,
}

/// A limit.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitText {
    /// 1 to 1,000,000.
    #[serde(deserialize_with = "whole")]
    #[schema(schema_with = schemas::Requests::schema)]
    requests: u64,
    /// The window, milliseconds: 1 to 31 days.
    #[serde(deserialize_with = "whole")]
    #[schema(schema_with = schemas::WindowMs::schema)]
    window_ms: u64,
    /// How many may come at once, where the algorithm knows bursts; by default all.
    #[serde(default, deserialize_with = "whole_or_null", skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schemas::Burst::schema, required = false)]
    burst: Option<u64>,
}

/// What a wiring promises of one limit.
#[derive(Serialize, ToSchema)]
pub(super) struct BoundShown {
    /// The policy.
    policy: String,
    /// The limit's requests.
    requests: u32,
    /// The limit's window, milliseconds.
    window_ms: u64,
    /// The most requests of one key that are admitted in any window of that length, if each is counted.
    at_most: u64,
    /// How many are admitted at most in a window of that length in the long run, if each is counted.
    in_the_long_run: u64,
    /// A request of cost 1 is refused only after at least this many requests of its key were admitted within
    /// `refused_within_ms`.
    refused_after: u64,
    /// The period for `refused_after`, milliseconds, ending at the refusal.
    refused_within_ms: u64,
}

impl Promise {
    /// The number of spans of the algorithm's floor in which a key may have had its admissions before a
    /// refusal.
    fn spans(self) -> u32 {
        match (self.is_synced, self.algorithm) {
            (false, _) => 1,
            // It has no debts, but a count merged after its window ended belongs to the next window.
            (true, Algorithm::FixedWindow) => 2,
            // The surplus of all replicas is a debt, which has to drain as well.
            (true, _) => self.counters + 1,
        }
    }
}

impl BoundShown {
    fn new(policy: &str, limit: &Limit, promise: Promise) -> Self {
        let counters = u64::from(promise.counters);
        let floor = promise.algorithm.floor(limit);
        Self {
            policy: policy.to_owned(),
            requests: limit.requests(),
            window_ms: limit.window().as_millis() as u64,
            at_most: promise.algorithm.bound(limit) * counters,
            in_the_long_run: u64::from(limit.requests()) * counters,
            refused_after: floor.admitted,
            refused_within_ms: (floor.within * promise.spans()).as_nanos().div_ceil(1_000_000) as u64,
        }
    }
}

impl PoliciesAsked {
    /// Parses the policies; fails if a limit is invalid.
    pub(super) fn parse(self) -> Result<Vec<Policy>, PolicyError> {
        self.policies.into_iter().map(PolicyText::parse).collect()
    }
}

impl PoliciesShown {
    pub(super) fn new(set: &PolicySet, promise: Promise) -> Self {
        let bound = set.policies.iter().flat_map(|policy| {
            policy.limits.iter().map(|limit| BoundShown::new(&policy.name, limit, promise))
        });
        let policies = set.policies.iter().cloned().map(PolicyText::from).collect();
        Self { version: set.version, policies, bound: bound.collect() }
    }
}

impl PolicyText {
    fn parse(self) -> Result<Policy, PolicyError> {
        let limit =
            |text: LimitText| Limit::new(text.requests, Duration::from_millis(text.window_ms), text.burst);
        let limits = self.limits.into_iter().map(limit).collect::<Result<_, _>>();
        let invalid = |fault| PolicyError::Invalid { policy: self.name.clone(), fault };
        let limits = limits.map_err(|error| invalid(PolicyFault::Limit(error)))?;
        Ok(Policy { name: self.name, key: self.key.into(), limits, exempt: self.exempt, mode: self.mode })
    }
}

impl From<Policy> for PolicyText {
    fn from(policy: Policy) -> Self {
        let Policy { name, key, limits, exempt, mode } = policy;
        Self {
            name,
            key: key.into(),
            limits: limits.into_iter().map(LimitText::from).collect(),
            exempt,
            mode,
        }
    }
}

impl From<KeyText> for KeySource {
    fn from(key: KeyText) -> Self {
        match key {
            KeyText::Address => Self::Address,
            // A prefix above 255 is as invalid as any other above 128.
            KeyText::Ipv6Prefix(prefix) => Self::Ipv6Prefix(u8::try_from(prefix).unwrap_or(0)),
            KeyText::Token => Self::Token,
            KeyText::Header(name) => Self::Header(name),
            KeyText::Everyone => Self::Everyone,
        }
    }
}

impl From<KeySource> for KeyText {
    fn from(key: KeySource) -> Self {
        match key {
            KeySource::Address => Self::Address,
            KeySource::Ipv6Prefix(prefix) => Self::Ipv6Prefix(prefix.into()),
            KeySource::Token => Self::Token,
            KeySource::Header(name) => Self::Header(name),
            KeySource::Everyone => Self::Everyone,
        }
    }
}

impl From<Limit> for LimitText {
    fn from(limit: Limit) -> Self {
        let burst = (limit.burst() != limit.requests()).then(|| u64::from(limit.burst()));
        Self { requests: limit.requests().into(), window_ms: limit.window().as_millis() as u64, burst }
    }
}

/// The body of `POST /decisions`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionAsked {
    /// What is known of the request, such as `{"token": "a"}`: at most 512.
    #[serde(deserialize_with = "each_once")]
    #[schema(schema_with = schemas::Facts::schema)]
    facts: BTreeMap<String, String>,
    /// How many ordinary requests it counts for, 1 to 1,000; by default 1.
    #[serde(default, deserialize_with = "whole_or_null")]
    #[schema(schema_with = schemas::Cost::schema, required = false)]
    cost: Option<u64>,
}

impl From<DecisionAsked> for Ask {
    fn from(asked: DecisionAsked) -> Self {
        let facts = asked.facts.into_iter().map(|(name, value)| Fact { name: name.into(), value });
        // Far above the maximum cost, so it is refused.
        let cost = u32::try_from(asked.cost.unwrap_or(1)).unwrap_or(u32::MAX);
        Self { facts: facts.collect(), cost }
    }
}

/// A decision.
#[derive(Serialize, ToSchema)]
pub(super) struct DecisionShown {
    /// Whether the request passes.
    admitted: bool,
    /// If it passes: after so many milliseconds; if not: after so many another one like it may. `null` if none ever may,
    /// because its cost is more than a limit ever has room for.
    after_ms: Option<f64>,
    /// Why none ever may.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    /// Whether a policy that only counts would have refused it.
    would_refuse: bool,
    /// Whether it was counted; if not, the counts are away, and it is what the axis `on-failure` says.
    counted: bool,
    /// Where it stands under each limit that applies.
    standings: Vec<StandingShown>,
}

/// Where a key stands under a limit.
#[derive(Serialize, ToSchema)]
struct StandingShown {
    /// The policy.
    policy: String,
    /// The limit.
    limit: LimitText,
    /// How many ordinary requests would pass right after this one.
    remaining: u32,
    /// After how many milliseconds one more would pass than now; 0 where no more ever would.
    more_ms: f64,
    /// After how many milliseconds all of the limit is there again if nothing more comes.
    reset_ms: f64,
}

impl From<Decision> for DecisionShown {
    fn from(decision: Decision) -> Self {
        let (admitted, after) = match decision.verdict {
            Verdict::Admitted(after) => (true, Some(after)),
            Verdict::Refused(after) => (false, after),
        };
        Self {
            admitted,
            after_ms: after.map(millis),
            detail: after.is_none().then_some(NEVER_FITS),
            would_refuse: decision.would_refuse,
            counted: decision.counted,
            standings: decision.standings.into_iter().map(StandingShown::from).collect(),
        }
    }
}

impl From<PolicyStanding> for StandingShown {
    fn from(standing: PolicyStanding) -> Self {
        Self {
            policy: standing.policy,
            limit: standing.limit.into(),
            remaining: standing.remaining,
            more_ms: millis(standing.more_after),
            reset_ms: millis(standing.reset_after),
        }
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_owed_flows_out_over_a_window_for_each_copy() {
        let limit = Limit::new(10, Duration::from_secs(1), None).expect("a limit");
        let within = |algorithm, is_synced| {
            BoundShown::new("a", &limit, Promise { algorithm, counters: 4, is_synced }).refused_within_ms
        };
        assert_eq!(within(Algorithm::FixedWindow, false), 1_000);
        assert_eq!(within(Algorithm::FixedWindow, true), 2_000);
        assert_eq!(within(Algorithm::SlidingCounter, false), 2_000);
        assert_eq!(within(Algorithm::SlidingCounter, true), 10_000);
        assert_eq!(within(Algorithm::Gcra, true), 5 * within(Algorithm::Gcra, false));
    }
}
