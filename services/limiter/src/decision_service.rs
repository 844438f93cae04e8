//! The logic of the component `decisions`.

use std::{
    borrow::Cow,
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    Ask, Asks, Charge, CountKey, Counts, Decision, DecisionError, Decisions, Fact, KeySource, Limit,
    MAX_ASKS, MAX_COST, MAX_FACTS, Mode, Policy, PolicySet, PolicyStanding, Standing, Take, Verdict,
};

/// The `retry_after` of a request that was refused because the counts are unavailable.
pub const RETRY_UNCOUNTED: Duration = Duration::from_secs(1);

/// The decision while the counts are unavailable: the axis `on-failure`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Requests pass (fail open): the limiter must not cause an outage.
    #[default]
    Open,
    /// Requests are refused (fail closed): the protected service would not survive without the limiter.
    Closed,
}

/// The sharing of counts: the axis `keying`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keying {
    /// Each client has its own count, by the policy's key.
    #[default]
    PerClient,
    /// All clients share one count. A negative control: a greedy client uses up everybody's limit.
    Shared,
}

/// Decides by the current policies and the counts.
///
/// Requests that lack the fact of a policy's key share one count: leaving the token out does not evade a
/// limit by token. Such a request is never exempt.
/// If a fact occurs twice, the first one counts.
pub struct DecisionService {
    counts: Arc<dyn Counts>,
    on_failure: OnFailure,
    keying: Keying,
    rules: RwLock<Arc<Rules>>,
}

/// A policy set, prepared for the hot path.
#[derive(Default)]
struct Rules {
    version: u64,
    policies: Vec<Rule>,
}

struct Rule {
    name: String,
    key: KeySource,
    fact: Option<String>,
    exempt: HashSet<String>,
    enforced: bool,
    limits: Vec<(Limit, String)>,
}

impl DecisionService {
    /// Creates the service; without policies it admits everything.
    pub fn new(counts: Arc<dyn Counts>, on_failure: OnFailure, keying: Keying) -> Self {
        Self { counts, on_failure, keying, rules: RwLock::default() }
    }

    /// Replaces the policies. An unchanged limit keeps its counts; a changed one starts with new counts, as
    /// do all limits of a policy with a new name or key.
    pub fn set_policies(&self, policies: PolicySet) {
        let PolicySet { version, policies } = policies;
        let rules = Rules { version, policies: policies.into_iter().map(Rule::of).collect() };
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    /// The version of the current policies; 0 before the first.
    pub fn version(&self) -> u64 {
        self.rules().version
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The standings of these charges; `None` if the counts are unavailable.
    async fn take(&self, charges: Vec<Charge>) -> Option<Vec<Standing>> {
        let count = charges.len();
        let taken = self.counts.take(Take { charges }).await.ok()?;
        (taken.standings.len() == count).then_some(taken.standings)
    }

    fn uncounted(&self) -> Decision {
        let verdict = match self.on_failure {
            OnFailure::Open => Verdict::Admitted(Duration::ZERO),
            OnFailure::Closed => Verdict::Refused(Some(RETRY_UNCOUNTED)),
        };
        Decision { verdict, standings: Vec::new(), would_refuse: false, counted: false }
    }
}

#[async_trait]
impl Decisions for DecisionService {
    async fn decide(&self, ask: Ask) -> Result<Decision, DecisionError> {
        validate(&ask, 1)?;
        let rules = self.rules();
        let (applied, charges) = rules.of(&ask, self.keying);
        if charges.is_empty() {
            return Ok(decision(&applied, &[]));
        }
        Ok(self.take(charges).await.map_or_else(|| self.uncounted(), |it| decision(&applied, &it)))
    }

    async fn decide_all(&self, Asks { asks }: Asks) -> Result<Vec<Decision>, DecisionError> {
        if asks.len() > MAX_ASKS {
            return Err(DecisionError::TooManyAsks);
        }
        asks.iter().try_for_each(|ask| validate(ask, 0))?;
        let rules = self.rules();
        let (applied, charges): (Vec<_>, Vec<_>) = asks.iter().map(|ask| rules.of(ask, self.keying)).unzip();
        let counts: Vec<_> = charges.iter().map(Vec::len).collect();
        // At most `MAX_CHARGES`, because the number of asks is limited.
        let charges = charges.concat();
        let taken = if charges.is_empty() { Some(Vec::new()) } else { self.take(charges).await };
        let mut rest = taken.as_deref();
        let decided = applied.iter().zip(counts).map(|(applied, count)| match rest {
            // Without a limit that applies, nothing has to be counted.
            _ if count == 0 => decision(applied, &[]),
            Some(standings) => {
                let (own, others) = standings.split_at(count);
                rest = Some(others);
                decision(applied, own)
            }
            None => self.uncounted(),
        });
        Ok(decided.collect())
    }
}

impl Rules {
    /// The policies that apply to an ask, and its charges under them.
    fn of(&self, ask: &Ask, keying: Keying) -> (Vec<&Rule>, Vec<Charge>) {
        let applied: Vec<_> = self.policies.iter().filter(|rule| !rule.exempts(&ask.facts)).collect();
        let mut charges = Vec::with_capacity(applied.iter().map(|rule| rule.limits.len()).sum());
        charges.extend(applied.iter().flat_map(|rule| rule.charges(ask, keying)));
        (applied, charges)
    }
}

impl Rule {
    fn of(policy: Policy) -> Self {
        // The name of a count: the policy, its key, the limit, and its number among equal limits.
        let source = &policy.key;
        let mut limits: Vec<(Limit, String)> = Vec::with_capacity(policy.limits.len());
        for limit in policy.limits {
            let nth = limits.iter().filter(|(other, _)| *other == limit).count() + 1;
            let (requests, window, burst) = (limit.requests(), limit.window().as_nanos(), limit.burst());
            limits.push((limit, format!("{}:{source}:{requests}/{window}/{burst}/{nth}", policy.name)));
        }
        Self {
            limits,
            fact: policy.key.fact(),
            exempt: policy.exempt.iter().filter_map(|value| policy.key.exempt(value)).collect(),
            enforced: policy.mode == Mode::Enforce,
            name: policy.name,
            key: policy.key,
        }
    }

    /// The value of this policy's key among these facts.
    fn value<'a>(&self, facts: &'a [Fact]) -> Option<&'a str> {
        let name = self.fact.as_ref()?;
        facts.iter().find(|fact| fact.name == *name).map(|fact| fact.value.as_str())
    }

    fn exempts(&self, facts: &[Fact]) -> bool {
        let is_exempt = |value| self.key.is_exempt(&self.exempt, value);
        !self.exempt.is_empty() && self.value(facts).is_some_and(is_exempt)
    }

    /// The charges of an ask, limit by limit.
    fn charges<'a>(&'a self, ask: &'a Ask, keying: Keying) -> impl Iterator<Item = Charge> + 'a {
        let client = self.value(&ask.facts).map(|value| self.key.client(value));
        // These marks cannot be the value of a client.
        let (mark, client) = match (keying, &self.fact, client) {
            (Keying::Shared, ..) | (_, None, _) => ("*", Cow::default()),
            (Keying::PerClient, Some(_), Some(client)) => ("=", client),
            (Keying::PerClient, Some(_), None) => ("-", Cow::default()),
        };
        self.limits.iter().map(move |(limit, prefix)| Charge {
            key: CountKey([prefix.as_str(), mark, &*client].concat()),
            limit: *limit,
            enforced: self.enforced,
            cost: ask.cost,
        })
    }
}

fn validate(ask: &Ask, least_cost: u32) -> Result<(), DecisionError> {
    if ask.facts.len() > MAX_FACTS {
        return Err(DecisionError::TooManyFacts);
    }
    if !(least_cost..=MAX_COST).contains(&ask.cost) {
        return Err(DecisionError::Cost);
    }
    Ok(())
}

/// The decision from the standings under these policies' limits, in order.
fn decision(applied: &[&Rule], standings: &[Standing]) -> Decision {
    let limits = applied.iter().flat_map(|rule| rule.limits.iter().map(move |(limit, _)| (*rule, limit)));
    let mut decision = Decision {
        verdict: Verdict::Admitted(Duration::ZERO),
        standings: Vec::with_capacity(standings.len()),
        would_refuse: false,
        counted: true,
    };
    for ((rule, limit), standing) in limits.zip(standings) {
        decision.standings.push(PolicyStanding {
            policy: rule.name.clone(),
            limit: *limit,
            remaining: standing.remaining,
            more_after: standing.more_after,
            reset_after: standing.reset_after,
        });
        if rule.enforced {
            decision.verdict = decision.verdict.and(standing);
        } else {
            decision.would_refuse |= !standing.admits;
        }
    }
    decision
}

impl Verdict {
    /// Combines with the standing under one more limit: the longest wait counts, any refusal refuses, and
    /// "never" is the longest `retry_after`.
    fn and(self, standing: &Standing) -> Self {
        match (self, standing.admits) {
            (Self::Admitted(wait), true) => Self::Admitted(wait.max(standing.wait)),
            (Self::Admitted(_), false) => Self::Refused(standing.retry_after),
            (Self::Refused(after), true) => Self::Refused(after),
            (Self::Refused(after), false) => {
                Self::Refused(after.zip(standing.retry_after).map(|(one, other)| one.max(other)))
            }
        }
    }
}
