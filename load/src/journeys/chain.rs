//! The chain: readers ask for pages, and for what else belongs to them.
//!
//! - [`mix`]: the shares of operations;
//! - `api`: requests and replies of the public API;
//! - `ledger_state`: what the replies were worth;
//! - `workload`: the operations;
//! - [`facts`]: the facts of its ledger;
//! - `seeding`: before.

mod api;
pub mod facts;
mod ledger_state;
pub mod mix;
mod seeding;
mod workload;

use std::sync::Arc;

use self::{ledger_state::LedgerState, mix::Mix, workload::Workload};
use super::{
    Check, CounterShape, JourneyError, JourneyOptions, KindShape, PrepareError, Progress, SystemJourneys,
    SystemUnderTest,
};
use crate::{
    journey::Journeys,
    ledger::{FactShape, LedgerVerdict},
    sender::Lane,
};

/// The counters of its workers.
const COUNTERS: [CounterShape; 2] = [
    CounterShape { name: "pieces of work", metric: "work_done_total" },
    CounterShape { name: "pieces of work for nobody", metric: "work_for_nobody_total" },
];

/// The chain.
#[derive(Debug)]
pub struct Chain;

impl SystemUnderTest for Chain {
    fn name(&self) -> &'static str {
        "chain"
    }

    fn summary(&self) -> &'static str {
        "ask for pages whose parts come through a chain of services"
    }

    fn mixes(&self) -> &'static [(&'static str, &'static str)] {
        &mix::NAMES
    }

    fn shares(&self, mix: &str) -> Vec<(&'static str, f64)> {
        Mix::named(mix).shares()
    }

    fn journeys(
        &self,
        options: &JourneyOptions,
        mix: &'static str,
    ) -> Result<Box<dyn SystemJourneys>, JourneyError> {
        Ok(Box::new(ChainJourneys::new(options.seed, 0, Mix::named(mix), Arc::default())))
    }

    fn only_path(&self) -> Option<&'static str> {
        Some("/pages")
    }

    fn facts(&self) -> &'static [FactShape] {
        &facts::ALL
    }

    fn kinds(&self) -> &'static [KindShape] {
        &workload::KINDS
    }

    fn counters(&self) -> &'static [CounterShape] {
        &COUNTERS
    }
}

/// The chain's journeys.
struct ChainJourneys {
    seed: u64,
    mix: Mix,
    ledger: Arc<LedgerState>,
    workload: Workload,
}

impl ChainJourneys {
    /// The journeys of thread `nth`. The preparation asks how many parts a page has.
    fn new(seed: u64, nth: u64, mix: Mix, ledger: Arc<LedgerState>) -> Self {
        let workload = Workload::new(seed, nth, mix, Arc::clone(&ledger));
        Self { seed, mix, ledger, workload }
    }
}

impl SystemJourneys for ChainJourneys {
    fn prepare(
        &mut self,
        lane: &mut Lane,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError> {
        progress(Progress { done: 0, total: 1 });
        let parts = seeding::parts_of_a_page(lane)?;
        *self = Self::new(self.seed, 0, self.mix, Arc::new(LedgerState::of(parts)));
        progress(Progress { done: 1, total: 1 });
        Ok(())
    }

    fn operations(&mut self) -> &mut dyn Journeys {
        &mut self.workload
    }

    fn check(&mut self, _lane: &mut Lane, _check: &Check) -> LedgerVerdict {
        // Nothing is stored: each reply was compared when it arrived.
        self.ledger.verdict()
    }

    fn fork(&self, nth: u64) -> Box<dyn SystemJourneys> {
        Box::new(Self::new(self.seed, nth, self.mix, Arc::clone(&self.ledger)))
    }
}
