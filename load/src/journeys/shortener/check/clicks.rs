//! Seeded links: there, with the right target, and every follow counted once.
//!
//! Clicks may travel through a queue, so the check waits until the counts have arrived or stand still.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::links::judge;
use crate::http::{Reply, RequestBuf};
use crate::journeys::Check;
use crate::journeys::shortener::api::{self, LinkTarget};
use crate::journeys::shortener::books::Books;
use crate::journeys::survey::{Survey, conduct};
use crate::ledger::LedgerVerdict;
use crate::sender::Lane;

/// The pause between two passes.
const PAUSE: Duration = Duration::from_millis(250);

/// The click counts of all seeded links.
pub(super) struct ClickCheck<'a> {
    seed: u64,
    codes: &'a [Box<str>],
    books: &'a Books,
    counted: Vec<u64>,
    /// The links of the present pass that are still to be asked.
    to_ask: std::vec::IntoIter<usize>,
    /// What the last look-up of each link said goes here; only the last full pass is kept.
    found: LedgerVerdict,
}

impl<'a> ClickCheck<'a> {
    pub(super) fn new(seed: u64, codes: &'a [Box<str>], books: &'a Books) -> Self {
        let counted = vec![0; codes.len()];
        Self { seed, codes, books, counted, to_ask: Vec::new().into_iter(), found: LedgerVerdict::default() }
    }

    /// Waits for the counts to settle, asks once more for everything, and adds what it found to `verdict`.
    pub(super) fn run(
        mut self,
        lane: &mut Lane,
        check: &Check,
        verdict: &mut LedgerVerdict,
    ) -> io::Result<()> {
        let settled = self.settle(lane, check)?;
        // A last full pass: a duplicate may arrive after the count was right.
        self.found = LedgerVerdict::default();
        let unanswered = self.pass((0..self.codes.len()).collect(), lane, check)?;
        verdict.complete &= unanswered == 0 && settled;
        for fact in &self.found.facts {
            if fact.breach {
                verdict.breach(&fact.name, fact.count);
            } else {
                verdict.note(&fact.name, fact.count);
            }
        }
        verdict.examples.append(&mut self.found.examples);
        self.compare(verdict, settled);
        if !settled {
            verdict.example(|| {
                format!("clicks were still arriving after {:?}: what is lost cannot be told", check.deadline)
            });
        }
        Ok(())
    }

    /// Asks for the links whose count is too low until there are none, or until they stop moving; whether it came to
    /// that within the time.
    fn settle(&mut self, lane: &mut Lane, check: &Check) -> io::Result<bool> {
        let began = Instant::now();
        // Told by looks, not by the clock: a machine that stands still between two of them says nothing of the counts.
        let (mut still, mut last) = (Duration::ZERO, None);
        let mut low: Vec<usize> = (0..self.codes.len()).collect();
        loop {
            self.pass(low, lane, check)?;
            low = (0..self.codes.len())
                .filter(|&link| self.counted[link] < self.books.bounds(link).0)
                .collect();
            let sum = self.counted.iter().sum::<u64>();
            let moves = last.is_some_and(|last| last != sum);
            still = if last == Some(sum) { still + PAUSE } else { Duration::ZERO };
            last = Some(sum);
            if low.is_empty() || still >= check.settle {
                return Ok(true);
            }
            // What stands still at the deadline has to do so for as long as any other.
            if moves && began.elapsed() >= check.deadline {
                return Ok(false);
            }
            thread::sleep(PAUSE);
        }
    }

    fn pass(&mut self, links: Vec<usize>, lane: &mut Lane, check: &Check) -> io::Result<u64> {
        self.to_ask = links.into_iter();
        conduct(self, lane, check.in_flight, check.pass, &mut |_| true).map_err(|error| error.0)
    }

    /// What is not there is lost only where nothing is on its way any more.
    fn compare(&self, verdict: &mut LedgerVerdict, settled: bool) {
        verdict.breach("clicks-lost", 0);
        verdict.breach("clicks-invented", 0);
        for (link, &counted) in self.counted.iter().enumerate() {
            let (low, high) = self.books.bounds(link);
            verdict.note("clicks-expected-low", low);
            verdict.note("clicks-expected-high", high);
            verdict.note("clicks-counted", counted);
            let missing = low.saturating_sub(counted);
            let (lost, invented) = (if settled { missing } else { 0 }, counted.saturating_sub(high));
            if lost + invented > 0 {
                verdict.breach("clicks-lost", lost);
                verdict.breach("clicks-invented", invented);
                verdict.example(|| {
                    format!("link `{}` has {counted} clicks, expected {low} to {high}", self.codes[link])
                });
            }
        }
    }
}

impl Survey for ClickCheck<'_> {
    type Question = usize;

    fn next(&mut self) -> Option<usize> {
        self.to_ask.next()
    }

    fn ask(&self, &link: &usize, request: &mut RequestBuf) {
        api::look_up(&self.codes[link], request);
    }

    fn answer(&mut self, &link: &usize, reply: &Reply<'_>) -> bool {
        let target = LinkTarget { seed: self.seed, number: link as u64 };
        match judge(&mut self.found, target, &self.codes[link], reply) {
            Some(clicks) => {
                self.counted[link] = clicks;
                true
            }
            None => false,
        }
    }
}
