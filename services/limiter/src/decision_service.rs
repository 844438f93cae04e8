//! The logic of the component `decisions`.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    Ask, Charge, CountKey, Counts, Decision, DecisionError, Decisions, Fact, Limit, MAX_COST, MAX_FACT_BYTES,
    MAX_FACTS, Mode, Policy, PolicySet, PolicyStanding, Standing, Take, Verdict,
};

/// When a request that was refused because nobody could count it may come again.
pub const RETRY_UNCOUNTED: Duration = Duration::from_secs(1);

/// What a decision is when the counts cannot be asked: the axis `on-failure`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// It passes: the limiter is no reason for an outage.
    #[default]
    Open,
    /// It does not: what stands behind would not survive without the limiter.
    Closed,
}

/// Who shares a count: the axis `keying`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keying {
    /// Each client has its own, by the policy's key.
    #[default]
    PerClient,
    /// All clients share one. A negative control: one that asks too much uses up what all have.
    Shared,
}

/// Decides by the policies that it was told last, and by the counts.
///
/// A request that lacks the fact by which a policy tells clients apart shares one count with all others that lack it:
/// to leave the token out is no way around the limit of the tokens. It is never exempt.
/// Where a fact comes twice, the first one counts.
pub struct DecisionService {
    counts: Arc<dyn Counts>,
    on_failure: OnFailure,
    keying: Keying,
    rules: RwLock<Arc<Rules>>,
}

/// A set of policies, prepared for the path of every request.
#[derive(Default)]
struct Rules {
    version: u64,
    policies: Vec<Rule>,
}

struct Rule {
    name: String,
    fact: Option<String>,
    exempt: HashSet<String>,
    enforced: bool,
    limits: Vec<(Limit, String)>,
}

impl DecisionService {
    /// Stands on counts; without policies it admits everything.
    pub fn new(counts: Arc<dyn Counts>, on_failure: OnFailure, keying: Keying) -> Self {
        Self { counts, on_failure, keying, rules: RwLock::default() }
    }

    /// Decides by these policies from now on. A limit that stays as it was keeps its counts; one that changes begins
    /// anew.
    pub fn set_policies(&self, policies: PolicySet) {
        let PolicySet { version, policies } = policies;
        let rules = Rules { version, policies: policies.into_iter().map(Rule::of).collect() };
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    /// The version of the policies that it decides by; 0 before the first.
    pub fn version(&self) -> u64 {
        self.rules().version
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn uncounted(&self) -> Decision {
        let verdict = match self.on_failure {
            OnFailure::Open => Verdict::Admitted(Duration::ZERO),
            OnFailure::Closed => Verdict::Refused(RETRY_UNCOUNTED),
        };
        Decision { verdict, standings: Vec::new(), would_refuse: false, counted: false }
    }
}

#[async_trait]
impl Decisions for DecisionService {
    async fn decide(&self, ask: Ask) -> Result<Decision, DecisionError> {
        validate(&ask)?;
        let rules = self.rules();
        let (mut applied, mut charges) = (Vec::new(), Vec::new());
        for rule in &rules.policies {
            let made = rule.charges(&ask.facts, self.keying);
            applied.extend(made.iter().map(|charge| (rule, charge.limit)));
            charges.extend(made);
        }
        if charges.is_empty() {
            let verdict = Verdict::Admitted(Duration::ZERO);
            return Ok(Decision { verdict, standings: Vec::new(), would_refuse: false, counted: true });
        }
        Ok(match self.counts.take(Take { charges, cost: ask.cost }).await {
            Ok(taken) if taken.standings.len() == applied.len() => decision(&applied, &taken.standings),
            _ => self.uncounted(),
        })
    }
}

impl Rule {
    fn of(policy: Policy) -> Self {
        // The limit is a part of its count's name, so that no count is ever read by another limit's measure.
        let named = |limit: Limit| {
            let window = limit.window().as_nanos();
            (limit, format!("{}:{}/{window}/{}", policy.name, limit.requests(), limit.burst()))
        };
        Self {
            limits: policy.limits.into_iter().map(named).collect(),
            fact: policy.key.fact(),
            exempt: policy.exempt.into_iter().collect(),
            enforced: policy.mode == Mode::Enforce,
            name: policy.name,
        }
    }

    /// What a request of these facts is charged; nothing if it is exempt.
    fn charges(&self, facts: &[Fact], keying: Keying) -> Vec<Charge> {
        let fact = self.fact.as_ref().and_then(|name| facts.iter().find(|fact| fact.name == *name));
        if fact.is_some_and(|fact| self.exempt.contains(&fact.value)) {
            return Vec::new();
        }
        let key = |prefix: &str| match (keying, &self.fact, fact) {
            (Keying::Shared, ..) | (_, None, _) => format!("{prefix}*"),
            (Keying::PerClient, Some(_), Some(fact)) => format!("{prefix}={}", fact.value),
            // A mark that no client's value can have.
            (Keying::PerClient, Some(_), None) => format!("{prefix}-"),
        };
        let charge = |(limit, prefix): &(Limit, String)| Charge {
            key: CountKey(key(prefix)),
            limit: *limit,
            enforced: self.enforced,
        };
        self.limits.iter().map(charge).collect()
    }
}

fn validate(ask: &Ask) -> Result<(), DecisionError> {
    if ask.facts.len() > MAX_FACTS {
        return Err(DecisionError::TooManyFacts);
    }
    let too_long = |fact: &Fact| fact.name.len() > MAX_FACT_BYTES || fact.value.len() > MAX_FACT_BYTES;
    if ask.facts.iter().any(too_long) {
        return Err(DecisionError::FactTooLong);
    }
    if !(1..=MAX_COST).contains(&ask.cost) {
        return Err(DecisionError::Cost);
    }
    Ok(())
}

/// What the standings under these rules and limits, in the same order, come to.
fn decision(applied: &[(&Rule, Limit)], standings: &[Standing]) -> Decision {
    let all = || applied.iter().zip(standings).map(|((rule, limit), standing)| (*rule, limit, standing));
    let enforced = || all().filter(|(rule, ..)| rule.enforced).map(|(.., standing)| standing);
    let verdict = if enforced().all(|standing| standing.admits) {
        Verdict::Admitted(enforced().map(|standing| standing.wait).max().unwrap_or_default())
    } else {
        Verdict::Refused(enforced().map(|standing| standing.retry_after).max().unwrap_or_default())
    };
    let stands = |(rule, limit, standing): (&Rule, &Limit, &Standing)| PolicyStanding {
        policy: rule.name.clone(),
        limit: *limit,
        remaining: standing.remaining,
        reset_after: standing.reset_after,
    };
    Decision {
        verdict,
        standings: all().map(stands).collect(),
        would_refuse: all().any(|(rule, _, standing)| !rule.enforced && !standing.admits),
        counted: true,
    }
}
