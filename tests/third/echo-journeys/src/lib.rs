//! The echo's users: they say something, and judge what they hear.
//!
//! Read in this order: this file (what the echo declares), `ledger`, `workload`.

mod ledger;
mod workload;

use std::sync::Arc;

use ledger::Ledger;
use load::{
    journey::Journeys,
    journeys::{
        Check, CounterShape, JourneyError, JourneyOptions, KindShape, OptionShape, PrepareError, Progress,
        SystemJourneys, SystemUnderTest, is_within,
    },
    ledger::{
        Breach, FactShape, LedgerVerdict,
        facts::{ACKNOWLEDGED, CHECKED, WRONG},
    },
    sender::Lane,
};
use workload::{SAY, Workload};

/// The length of what is said.
pub const LENGTH: OptionShape = OptionShape {
    name: "length",
    summary: "the least length of what is said, in bytes [default: 16]",
    values: "1 to 256",
    accepts: is_within::<1, 256>,
};

/// The facts of the ledger, in the order of a report.
const FACTS: [FactShape; 3] = [
    FactShape::new(CHECKED, "compared with what was said"),
    FactShape::new(ACKNOWLEDGED, "said"),
    FactShape::breach(Breach::Wrong, WRONG, "echoed in other words"),
];

/// The kinds of operations, in the words of a report.
const KINDS: [KindShape; 1] = [KindShape::new(SAY, "words said")];

/// The echo.
#[derive(Debug)]
pub struct Echo;

impl SystemUnderTest for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn summary(&self) -> &'static str {
        "say something, and compare what comes back"
    }

    fn mixes(&self) -> &'static [(&'static str, &'static str)] {
        &[("say", "say words that were not said before")]
    }

    fn shares(&self, _mix: &str) -> Vec<(&'static str, f64)> {
        vec![(SAY, 1.0)]
    }

    fn journeys(
        &self,
        options: &JourneyOptions,
        _mix: &'static str,
    ) -> Result<Box<dyn SystemJourneys>, JourneyError> {
        let length = options.parsed(&LENGTH, 16)?;
        Ok(Box::new(EchoJourneys::new(options.seed, 0, length, Arc::default())))
    }

    fn only_path(&self) -> Option<&'static str> {
        Some("/echoes")
    }

    fn facts(&self) -> &'static [FactShape] {
        &FACTS
    }

    fn kinds(&self) -> &'static [KindShape] {
        &KINDS
    }

    fn counters(&self) -> &'static [CounterShape] {
        &[CounterShape { name: "echoes", metric: "echoes_total" }]
    }

    fn options(&self) -> &'static [OptionShape] {
        &[LENGTH]
    }
}

/// The echo's journeys.
struct EchoJourneys {
    seed: u64,
    length: usize,
    ledger: Arc<Ledger>,
    workload: Workload,
}

impl EchoJourneys {
    fn new(seed: u64, nth: u64, length: usize, ledger: Arc<Ledger>) -> Self {
        let workload = Workload::new(seed, nth, length, Arc::clone(&ledger));
        Self { seed, length, ledger, workload }
    }
}

impl SystemJourneys for EchoJourneys {
    fn prepare(
        &mut self,
        _lane: &mut Lane,
        _progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError> {
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
        Box::new(Self::new(self.seed, nth, self.length, Arc::clone(&self.ledger)))
    }
}
