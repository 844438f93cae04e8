//! The rate limiter: clients request the protected resource, and are admitted or refused.
//!
//! - [`mix`]: the clients, their frequencies and their limits;
//! - `api`: requests and replies of the public API;
//! - `oracle`: the decisions of an exact limiter, as far as they are certain;
//! - `long_run`: upper and lower bounds over many windows;
//! - `ledger_state`: the decisions for each client;
//! - `workload`: the operations;
//! - `timeline`: the drawing;
//! - [`facts`]: the facts of its ledger;
//! - `seeding`, `check`: before and after;
//! - `policy_reads`: mixes that read policies and request no decision.

mod api;
mod check;
pub mod facts;
mod ledger_state;
mod long_run;
pub mod mix;
mod oracle;
mod policy_reads;
mod seeding;
mod timeline;
mod workload;

use std::{sync::Arc, time::Duration};

use self::{ledger_state::LedgerState, mix::Mix, policy_reads::PolicyReads, workload::Workload};
use super::{
    Check, JourneyError, JourneyOptions, KindShape, OutcomeWords, PolicyLine, PrepareError, Progress,
    SystemJourneys, SystemUnderTest,
};
use crate::{
    journey::Journeys,
    ledger::{FactShape, LedgerVerdict},
    sender::Lane,
    series::{Line, Series},
};

/// The length of a bucket in the drawing.
const BUCKET: Duration = Duration::from_millis(100);

/// The mixes with decisions, the default first, and those that read policies.
const MIXES: [(&str, &str); 7] = {
    let [one, many, hot, abuser, multi] = mix::NAMES;
    let [small, large] = policy_reads::NAMES;
    [one, many, hot, abuser, multi, small, large]
};

/// The rate limiter.
#[derive(Debug)]
pub struct Limiter;

impl SystemUnderTest for Limiter {
    fn name(&self) -> &'static str {
        "limiter"
    }

    fn summary(&self) -> &'static str {
        "ask for what a rate limiter protects, as one client or as many"
    }

    fn mixes(&self) -> &'static [(&'static str, &'static str)] {
        &MIXES
    }

    fn shares(&self, mix: &str) -> Vec<(&'static str, f64)> {
        let kind = if policy_reads::bytes(mix).is_some() { policy_reads::READ } else { workload::DECISION };
        vec![(kind, 1.0)]
    }

    fn journeys(
        &self,
        options: &JourneyOptions,
        mix: &'static str,
    ) -> Result<Box<dyn SystemJourneys>, JourneyError> {
        if let Some(bytes) = policy_reads::bytes(mix) {
            return Ok(Box::new(PolicyReads::new(bytes)));
        }
        let mix = Mix::named(mix).unwrap_or_default();
        Ok(Box::new(LimiterJourneys::new(options.seed, mix, options.things)))
    }

    fn things(&self) -> Option<&'static str> {
        Some("clients")
    }

    fn only_path(&self) -> Option<&'static str> {
        Some("/policies")
    }

    fn facts(&self) -> &'static [FactShape] {
        &facts::ALL
    }

    fn kinds(&self) -> &'static [KindShape] {
        &workload::KINDS
    }

    fn outcome_words(&self) -> Option<OutcomeWords> {
        // A refusal is a good response where the operation asks for a decision.
        Some(OutcomeWords {
            where_counted: facts::DECISIONS,
            ended_well: "decided: let through, or refused by the limit",
            refused: "refused without a decision",
        })
    }

    fn client_limit(&self, mix: &str) -> Option<PolicyLine> {
        Mix::named(mix).map(|mix| mix.limits()[0])
    }
}

/// The limiter's journeys.
struct LimiterJourneys {
    seed: u64,
    mix: Mix,
    clients: usize,
    ledger: Arc<LedgerState>,
    workload: Workload,
}

impl LimiterJourneys {
    /// Journeys of at most `clients` clients (at least one). The preparation stores the mix's policy.
    fn new(seed: u64, mix: Mix, clients: usize) -> Self {
        Self::with(seed, 0, mix, clients, Arc::new(LedgerState::new(mix.clients(clients), &[])))
    }

    fn with(seed: u64, nth: u64, mix: Mix, clients: usize, ledger: Arc<LedgerState>) -> Self {
        let workload = Workload::new(seed, nth, mix, clients, Arc::clone(&ledger));
        Self { seed, mix, clients, ledger, workload }
    }
}

impl SystemJourneys for LimiterJourneys {
    fn prepare(
        &mut self,
        lane: &mut Lane,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError> {
        let total = 1;
        progress(Progress { done: 0, total });
        let promises = seeding::put_in_force(self.seed, self.mix, lane)?;
        let ledger = Arc::new(LedgerState::new(self.mix.clients(self.clients), &promises));
        *self = Self::with(self.seed, 0, self.mix, self.clients, ledger);
        progress(Progress { done: total, total });
        Ok(())
    }

    fn operations(&mut self) -> &mut dyn Journeys {
        &mut self.workload
    }

    fn check(&mut self, lane: &mut Lane, check: &Check) -> LedgerVerdict {
        check::check(self.seed, self.mix, &self.ledger, lane, check)
    }

    fn series(&self) -> Option<Series> {
        let limit = self.mix.limits()[0];
        let seconds = limit.window.as_secs_f64();
        let line = Line {
            label: format!("the policy: {} in {seconds} s", limit.requests),
            per_bucket: f64::from(limit.requests) * BUCKET.as_secs_f64() / seconds,
        };
        Some(Series {
            title: "what became of the requests of the busiest client".to_owned(),
            is_of_operations: true,
            bucket: BUCKET,
            line: self.mix.is_felt().then_some(line),
            curves: self.workload.curves(),
        })
    }

    fn fork(&self, nth: u64) -> Box<dyn SystemJourneys> {
        Box::new(Self::with(self.seed, nth, self.mix, self.clients, Arc::clone(&self.ledger)))
    }
}
