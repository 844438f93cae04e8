//! What a process knows of its callees: the state that all clients and all calls of a callee share.
//!
//! A budget or a breaker that each client made for itself would multiply with the clients.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus_client::registry::Registry;
use serde::Serialize;
use tower::retry::budget::TpsBudget;

use crate::{
    AttemptTimes, Preset,
    breaker::{Breaker, BreakerSnapshot},
    hedge::{HedgeSnapshot, Hedges},
    limit::{Limit, LimitSnapshot},
    metrics::Metrics,
    random::Random,
    retry::{RetryCounters, budget},
    settings::{AttemptSettings, Settings},
    store::StoreGuard,
};

/// The callees of a process, by name. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Callees(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    metrics: Metrics,
    known: Mutex<BTreeMap<&'static str, Arc<Callee>>>,
    /// By name, and by the server's address.
    stores: Mutex<BTreeMap<(&'static str, String), Store>>,
}

#[derive(Debug)]
struct Store {
    preset: Preset,
    guard: StoreGuard,
}

impl Store {
    fn snapshot(&self, name: &'static str) -> CalleeSnapshot {
        let (preset, breaker) = (self.preset.name(), self.guard.snapshot());
        CalleeSnapshot {
            callee: name,
            preset,
            attempt_limit_ms: None,
            retries: None,
            hedges: None,
            limit: None,
            breaker,
        }
    }
}

impl Callees {
    /// No callees yet; registers the metrics of those to come. Without them: `Callees::default()`.
    pub fn register(registry: &mut Registry) -> Self {
        Self(Arc::new(Inner { metrics: Metrics::register(registry), ..Inner::default() }))
    }

    /// Shows the counters of a callee's retries before there is a call.
    pub fn announce(&self, name: &'static str) {
        self.0.metrics.retries(name);
    }

    /// The callee of this name. The first caller's preset and settings count; those of later ones are the same
    /// in a process, because its wiring has one preset.
    pub fn get(&self, name: &'static str, preset: Preset, settings: &Settings) -> Arc<Callee> {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Callee::new(name, preset, settings.clone(), &self.0.metrics));
        Arc::clone(known.entry(name).or_insert_with(new))
    }

    /// The state of every callee, for operators.
    pub fn snapshot(&self) -> Vec<CalleeSnapshot> {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut callees: Vec<_> = known.values().map(|callee| callee.snapshot()).collect();
        let stores = self.0.stores.lock().unwrap_or_else(PoisonError::into_inner);
        callees.extend(stores.iter().map(|((name, _), store)| store.snapshot(name)));
        callees
    }

    /// The store of this name at an address. Metrics have its name only, as processes use one server of a kind.
    pub fn store(
        &self,
        name: &'static str,
        address: &str,
        preset: Preset,
        settings: &Settings,
    ) -> StoreGuard {
        let mut stores = self.0.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Store { preset, guard: StoreGuard::new(name, preset, settings, &self.0.metrics) };
        stores.entry((name, address.to_owned())).or_insert_with(new).guard.clone()
    }
}

/// One callee of a process.
#[derive(Debug)]
pub struct Callee {
    name: &'static str,
    pub(crate) preset: Preset,
    pub(crate) settings: Settings,
    pub(crate) budget: Arc<TpsBudget>,
    pub(crate) random: Arc<Random>,
    /// What an adaptive limit of an attempt learns from; absent if the limit is fixed, or there is none.
    pub(crate) times: Option<Arc<AttemptTimes>>,
    pub(crate) retries: RetryCounters,
    pub(crate) breaker: Option<Arc<Breaker>>,
    pub(crate) limit: Option<Arc<Limit>>,
    pub(crate) hedges: Option<Arc<Hedges>>,
}

impl Callee {
    fn new(name: &'static str, preset: Preset, settings: Settings, metrics: &Metrics) -> Self {
        let times = match settings.attempt {
            AttemptSettings::Adaptive(adaptive) if preset.has_attempt_limit() => {
                Some(Arc::new(AttemptTimes::new(adaptive)))
            }
            _ => None,
        };
        let breaker = || Breaker::new(name, settings.breaker, settings.seed, metrics.breaker(name));
        Self {
            name,
            preset,
            budget: Arc::new(budget(settings.retry.budget)),
            random: Arc::new(Random::new(settings.seed)),
            times,
            retries: metrics.retries(name),
            breaker: preset.has_breaker().then(breaker),
            limit: preset.has_limit().then(|| Limit::new(settings.limit, metrics.limit(name))),
            hedges: preset.has_hedges().then(|| Hedges::new(settings.hedge, metrics.hedges(name))),
            settings,
        }
    }

    /// The limit of the next attempt, if there is one.
    fn attempt_limit(&self) -> Option<Duration> {
        match (&self.times, self.settings.attempt) {
            (Some(times), _) => Some(times.limit()),
            (None, AttemptSettings::Fixed(limit)) if self.preset.has_attempt_limit() => Some(limit),
            (None, _) => None,
        }
    }

    fn snapshot(&self) -> CalleeSnapshot {
        let (retry, counters) = (self.settings.retry, &self.retries);
        let budget = self.preset.has_budget().then_some(retry.budget);
        CalleeSnapshot {
            callee: self.name,
            preset: self.preset.name(),
            attempt_limit_ms: self.attempt_limit().map(|limit| limit.as_millis() as u64),
            retries: Some(RetrySnapshot {
                sent: counters.sent(),
                share: budget.map(|budget| budget.share),
                per_second: budget.map(|budget| budget.per_second),
                without_budget: counters.no_budget.get(),
                without_time: counters.no_time.get(),
            }),
            hedges: self.hedges.as_ref().map(|hedges| hedges.snapshot()),
            limit: self.limit.as_ref().map(|limit| limit.snapshot()),
            breaker: self.breaker.as_ref().map(|breaker| breaker.snapshot()),
        }
    }
}

/// A callee as an operator reads it. What its preset does not have is left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CalleeSnapshot {
    /// Its name.
    pub callee: &'static str,
    /// The preset towards it.
    pub preset: &'static str,
    /// The time limit of an attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt_limit_ms: Option<u64>,
    /// Retries, resends included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<RetrySnapshot>,
    /// Hedged reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hedges: Option<HedgeSnapshot>,
    /// The limit of the calls in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<LimitSnapshot>,
    /// Its circuit breaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerSnapshot>,
}

/// The retries of a callee, since the process started.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RetrySnapshot {
    /// Calls that were sent again.
    pub sent: u64,
    /// The budget: retries for each call that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f32>,
    /// The budget: retries a second that are always allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
    /// Retries that were not made because the budget was used up.
    pub without_budget: u64,
    /// Retries that were not made because they would have ended after the deadline.
    pub without_time: u64,
}
