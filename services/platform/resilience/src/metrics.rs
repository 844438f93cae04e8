//! What the layers count, for each callee of a process.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::retry::RetryCounters;

type Labels = Vec<(&'static str, &'static str)>;
type Counters = Family<Labels, Counter>;
type Gauges = Family<Labels, Gauge>;

/// The metrics of a process's callees; the callee is the label `peer`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    retries: Counters,
    suppressed: Counters,
    rejected: Counters,
    breaker_state: Gauges,
    transitions: Counters,
    hedges: Counters,
    limit: Gauges,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "peer_retries",
            "Calls that were sent again, by peer and reason: not processed, lost on the way, timed out, overloaded, \
             failed",
            metrics.retries.clone(),
        );
        registry.register(
            "peer_retries_suppressed",
            "Calls that would have been sent again, by peer and what forbade it: the budget, the deadline",
            metrics.suppressed.clone(),
        );
        registry.register(
            "peer_rejected",
            "Calls that were not sent, by peer and what rejected them: breaker, limit",
            metrics.rejected.clone(),
        );
        registry.register(
            "breaker_state",
            "Circuit breaker towards a peer: 0 closed, 1 half-open, 2 open",
            metrics.breaker_state.clone(),
        );
        registry.register(
            "breaker_transitions",
            "Transitions of a circuit breaker, by peer and new state",
            metrics.transitions.clone(),
        );
        registry.register(
            "peer_hedges",
            "Second attempts beside a slow first, by peer and outcome: sent, won",
            metrics.hedges.clone(),
        );
        registry.register("peer_limit", "Calls to a peer that may be in flight", metrics.limit.clone());
        metrics
    }

    pub(crate) fn retries(&self, peer: &'static str) -> RetryCounters {
        let retried = |reason| counter(&self.retries, peer, "reason", reason);
        let suppressed = |by| counter(&self.suppressed, peer, "by", by);
        RetryCounters {
            not_processed: retried("not-processed"),
            lost: retried("lost"),
            timed_out: retried("timed-out"),
            overloaded: retried("overloaded"),
            failed: retried("failed"),
            no_budget: suppressed("budget"),
            no_time: suppressed("deadline"),
        }
    }

    pub(crate) fn breaker(&self, peer: &'static str) -> BreakerMetrics {
        let to = |state| counter(&self.transitions, peer, "to", state);
        BreakerMetrics {
            state: self.breaker_state.get_or_create_owned(&vec![("peer", peer)]),
            to_closed: to("closed"),
            to_half_open: to("half-open"),
            to_open: to("open"),
            rejected: counter(&self.rejected, peer, "by", "breaker"),
        }
    }

    pub(crate) fn limit(&self, peer: &'static str) -> LimitMetrics {
        LimitMetrics {
            limit: self.limit.get_or_create_owned(&vec![("peer", peer)]),
            rejected: counter(&self.rejected, peer, "by", "limit"),
        }
    }

    pub(crate) fn hedges(&self, peer: &'static str) -> HedgeMetrics {
        let hedges = |outcome| counter(&self.hedges, peer, "outcome", outcome);
        HedgeMetrics { sent: hedges("sent"), won: hedges("won") }
    }
}

fn counter(family: &Counters, peer: &'static str, label: &'static str, value: &'static str) -> Counter {
    family.get_or_create_owned(&vec![("peer", peer), (label, value)])
}

/// What a circuit breaker counts.
#[derive(Clone, Debug, Default)]
pub struct BreakerMetrics {
    /// 0 closed, 1 half-open, 2 open.
    pub state: Gauge,
    /// Transitions to closed.
    pub to_closed: Counter,
    /// Transitions to half-open.
    pub to_half_open: Counter,
    /// Transitions to open.
    pub to_open: Counter,
    /// Calls that it rejected.
    pub rejected: Counter,
}

/// What a limit of calls in flight counts.
#[derive(Clone, Debug, Default)]
pub struct LimitMetrics {
    /// The limit.
    pub limit: Gauge,
    /// Calls that it rejected.
    pub rejected: Counter,
}

impl LimitMetrics {
    pub(crate) fn set(&self, limit: usize) {
        self.limit.set(i64::try_from(limit).unwrap_or(i64::MAX));
    }
}

/// What hedging counts.
#[derive(Clone, Debug, Default)]
pub struct HedgeMetrics {
    /// Second attempts that were sent.
    pub sent: Counter,
    /// Of these, the ones that answered first.
    pub won: Counter,
}
