//! The URL shortener: users follow links, most of them a few popular ones, and sometimes create one.
//!
//! - [`mix`]: the shares of operations, and the popularity of links;
//! - `api`: requests and replies of the public API;
//! - `ledger_state`: the acknowledged changes;
//! - `workload`: the operations;
//! - [`facts`]: the facts of its ledger;
//! - `seeding`, `ending`, `check`: before and after.

mod api;
mod check;
mod ending;
pub mod facts;
mod ledger_state;
pub mod mix;
mod seeding;
mod workload;

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use self::{ledger_state::LedgerState, mix::Mix, workload::Workload};
use super::{
    Check, JourneyError, JourneyOptions, KindShape, OptionShape, PrepareError, Progress, SystemJourneys,
    SystemUnderTest, is_within,
};
use crate::{
    journey::Journeys,
    ledger::{FactShape, LedgerVerdict},
    sender::Lane,
};

/// The number of links that the check deletes.
pub const DELETES: OptionShape = OptionShape {
    name: "deletes",
    summary: "how many links are deleted after the load, to see for how long caches still serve them [default: 0]",
    values: "0 to 1000",
    accepts: is_within::<0, 1_000>,
};

/// The longest time for which a cache may serve a deleted link.
pub const CACHED_FOR: OptionShape = OptionShape {
    name: "cached-for-ms",
    summary: "for how long a cache may serve a deleted link, reply time included, in milliseconds [default: 70000]",
    values: "0 to 600000 milliseconds",
    accepts: is_within::<0, 600_000>,
};

const OPTIONS: [OptionShape; 2] = [DELETES, CACHED_FOR];

/// The shortener.
#[derive(Debug)]
pub struct Shortener;

impl SystemUnderTest for Shortener {
    fn name(&self) -> &'static str {
        "shortener"
    }

    fn summary(&self) -> &'static str {
        "follow short links, and make some"
    }

    fn mixes(&self) -> &'static [(&'static str, &'static str)] {
        &mix::NAMES
    }

    fn shares(&self, mix: &str) -> Vec<(&'static str, f64)> {
        workload::shares(mix)
    }

    fn journeys(
        &self,
        options: &JourneyOptions,
        mix: &'static str,
    ) -> Result<Box<dyn SystemJourneys>, JourneyError> {
        let deletion = Deletion::of(options)?;
        Ok(Box::new(ShortenerJourneys::new(options.seed, Mix::named(mix), options.things, deletion)?))
    }

    fn things(&self) -> Option<&'static str> {
        Some("links")
    }

    fn takes_each_once(&self, mix: &str) -> bool {
        mix::takes_each_once(mix)
    }

    fn only_path(&self) -> Option<&'static str> {
        Some("/links")
    }

    fn facts(&self) -> &'static [FactShape] {
        &facts::ALL
    }

    fn kinds(&self) -> &'static [KindShape] {
        &workload::KINDS
    }

    fn warning(&self, operation: &str, succeeded: u64) -> Option<String> {
        (operation == workload::FOLLOW_AGAIN).then(|| {
            format!("there were too few links to follow each once, so {succeeded} were followed again, perhaps from a cache: give more `--links`")
        })
    }

    fn options(&self) -> &'static [OptionShape] {
        &OPTIONS
    }
}

/// How the check treats deleted links.
#[derive(Clone, Copy, Debug)]
struct Deletion {
    /// The number of links to delete at the end, to see how long caches serve them; 0 for none.
    links: usize,
    /// The longest time for which a cache may serve a deleted link, reply time included.
    cached_for: Duration,
}

impl Deletion {
    fn of(options: &JourneyOptions) -> Result<Self, JourneyError> {
        // A minute, varied by a tenth.
        let cached_for = options.parsed(&CACHED_FOR, 70_000)?;
        Ok(Self { links: options.parsed(&DELETES, 0)?, cached_for: Duration::from_millis(cached_for) })
    }
}

/// The shortener's journeys.
struct ShortenerJourneys {
    seed: u64,
    mix: Mix,
    links: usize,
    deletion: Deletion,
    ledger: Arc<LedgerState>,
    workload: Workload,
}

impl ShortenerJourneys {
    /// Journeys over `links` links (at least one), which the preparation creates.
    fn new(seed: u64, mix: Mix, links: usize, deletion: Deletion) -> io::Result<Self> {
        let links = links.max(1);
        let ledger = Arc::new(LedgerState::new(links)?);
        let workload = Workload::new(seed, 0, mix, Arc::default(), Arc::clone(&ledger));
        Ok(Self { seed, mix, links, deletion, ledger, workload })
    }
}

impl SystemJourneys for ShortenerJourneys {
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
        check::check(self.seed, &self.workload.codes(), &self.ledger, self.deletion, lane, check)
    }

    fn fork(&self, nth: u64) -> Box<dyn SystemJourneys> {
        Box::new(Self {
            seed: self.seed,
            mix: self.mix,
            links: self.links,
            deletion: self.deletion,
            ledger: Arc::clone(&self.ledger),
            workload: self.workload.fork(nth),
        })
    }
}
