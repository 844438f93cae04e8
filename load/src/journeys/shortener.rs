//! The URL shortener: users follow links, most of them a few popular ones, and sometimes create one.
//!
//! - [`mix`]: the shares of operations, and the popularity of links;
//! - `api`: requests and replies of the public API;
//! - `ledger_state`: the acknowledged changes;
//! - `workload`: the operations;
//! - `seeding`, `ending`, `check`: before and after.

mod api;
mod check;
mod ending;
mod ledger_state;
pub mod mix;
mod seeding;
mod workload;

use std::io;
use std::sync::Arc;
use std::time::Instant;

pub use self::workload::FOLLOW_AGAIN;

use self::ledger_state::LedgerState;
use self::mix::Mix;
use self::workload::Workload;
use super::{Check, JourneyOptions, PrepareError, Progress, SystemEntry, SystemJourneys};
use crate::journey::Journeys;
use crate::ledger::LedgerVerdict;
use crate::sender::Lane;

pub(super) const ENTRY: SystemEntry = SystemEntry {
    name: "shortener",
    summary: "follow short links, and make some",
    mixes: &mix::NAMES,
    things: "links",
    shares: workload::shares,
    only_path: Some("/links"),
    takes_each_once: mix::takes_each_once,
    lines: |_mix| None,
    facts: &check::FACTS,
    breaches: &check::BREACHES,
    make,
};

fn make(options: &JourneyOptions, mix: &'static str) -> io::Result<Box<dyn SystemJourneys>> {
    Ok(Box::new(Shortener::new(options.seed, Mix::named(mix), options.links)?))
}

/// The shortener's journeys.
pub struct Shortener {
    seed: u64,
    mix: Mix,
    links: usize,
    ledger: Arc<LedgerState>,
    workload: Workload,
}

impl Shortener {
    /// Journeys over `links` links (at least one), which the preparation creates.
    pub fn new(seed: u64, mix: Mix, links: usize) -> io::Result<Self> {
        let links = links.max(1);
        let ledger = Arc::new(LedgerState::new(links)?);
        let workload = Workload::new(seed, 0, mix, Arc::default(), Arc::clone(&ledger));
        Ok(Self { seed, mix, links, ledger, workload })
    }
}

impl SystemJourneys for Shortener {
    fn prepare(
        &mut self,
        lane: &mut Lane,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError> {
        let codes = seeding::seed(self.seed, self.links, lane, progress)?;
        let made = Instant::now();
        if self.mix.warm {
            seeding::read(&codes, lane, progress)?;
        }
        self.ledger.will_end(ending::make(self.seed, lane)?);
        if !self.mix.warm {
            seeding::let_go(made, &codes, progress);
        }
        self.workload = Workload::new(self.seed, 0, self.mix, codes, Arc::clone(&self.ledger));
        Ok(())
    }

    fn operations(&mut self) -> &mut dyn Journeys {
        &mut self.workload
    }

    fn check(&mut self, lane: &mut Lane, check: &Check) -> LedgerVerdict {
        check::check(self.seed, &self.workload.codes(), &self.ledger, lane, check)
    }

    fn fork(&self, nth: u64) -> Box<dyn SystemJourneys> {
        Box::new(Self {
            seed: self.seed,
            mix: self.mix,
            links: self.links,
            ledger: Arc::clone(&self.ledger),
            workload: self.workload.fork(nth),
        })
    }
}
