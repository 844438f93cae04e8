//! A wrapper that counts decisions by outcome.

use std::sync::Arc;

use async_trait::async_trait;
use limiter::{Ask, Asks, Decision, DecisionError, DecisionService, Decisions, Verdict};
use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// Decides, and counts the outcome.
pub(crate) struct CountedDecisions {
    service: Arc<DecisionService>,
    admitted: Counter,
    refused: Counter,
    admitted_uncounted: Counter,
    refused_uncounted: Counter,
    would_refuse: Counter,
}

impl CountedDecisions {
    /// Registers the metrics.
    pub(crate) fn new(service: Arc<DecisionService>, registry: &mut Registry) -> Self {
        let decisions = Family::<Vec<(&'static str, &'static str)>, Counter>::default();
        let would_refuse = Counter::default();
        registry.register(
            "decisions",
            "Decisions, by verdict and by whether the counts answered",
            decisions.clone(),
        );
        registry.register(
            "decisions_would_refuse",
            "Decisions in which a policy that only counts would have refused",
            would_refuse.clone(),
        );
        let of = |verdict, counted| {
            decisions.get_or_create_owned(&vec![("verdict", verdict), ("counted", counted)])
        };
        Self {
            service,
            admitted: of("admitted", "yes"),
            refused: of("refused", "yes"),
            admitted_uncounted: of("admitted", "no"),
            refused_uncounted: of("refused", "no"),
            would_refuse,
        }
    }
}

#[async_trait]
impl Decisions for CountedDecisions {
    async fn decide(&self, ask: Ask) -> Result<Decision, DecisionError> {
        let decision = self.service.decide(ask).await?;
        self.count(&decision);
        Ok(decision)
    }

    async fn decide_all(&self, asks: Asks) -> Result<Vec<Decision>, DecisionError> {
        let decided = self.service.decide_all(asks).await?;
        for decision in &decided {
            self.count(decision);
        }
        Ok(decided)
    }
}

impl CountedDecisions {
    fn count(&self, decision: &Decision) {
        let counter = match (&decision.verdict, decision.counted) {
            (Verdict::Admitted(_), true) => &self.admitted,
            (Verdict::Refused(_), true) => &self.refused,
            (Verdict::Admitted(_), false) => &self.admitted_uncounted,
            (Verdict::Refused(_), false) => &self.refused_uncounted,
        };
        counter.inc();
        if decision.would_refuse {
            self.would_refuse.inc();
        }
    }
}
