//! The URL shortener: people follow links, most of them a few, and now and then someone makes one.
//!
//! - [`mix`]: how much of what, on which links;
//! - `api`: requests and replies of the public API;
//! - `books`: what was acknowledged;
//! - `drive`: the operations;
//! - `seeding`, `ending`, `check`: before and after.

mod api;
mod books;
mod check;
mod drive;
mod ending;
pub mod mix;
mod seeding;

use std::io;
use std::sync::Arc;
use std::time::Instant;

pub use self::drive::FOLLOW_AGAIN;

use self::books::Books;
use self::drive::Drive;
use self::mix::Mix;
use super::{Check, JourneyOptions, PrepareError, Progress, SystemEntry, SystemJourneys};
use crate::journey::Journeys;
use crate::ledger::LedgerVerdict;
use crate::sender::Lane;

pub(super) const ENTRY: SystemEntry = SystemEntry {
    name: "shortener",
    summary: "follow short links, and make some",
    mixes: &mix::NAMES,
    things: "links",
    shares: drive::shares,
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
    books: Arc<Books>,
    drive: Drive,
}

impl Shortener {
    /// Journeys over `links` links (at least one) that a preparation makes.
    pub fn new(seed: u64, mix: Mix, links: usize) -> io::Result<Self> {
        let links = links.max(1);
        let books = Arc::new(Books::new(links)?);
        let drive = Drive::new(seed, 0, mix, Arc::default(), Arc::clone(&books));
        Ok(Self { seed, mix, links, books, drive })
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
        self.books.will_end(ending::make(self.seed, lane)?);
        if !self.mix.warm {
            seeding::let_go(made, &codes, progress);
        }
        self.drive = Drive::new(self.seed, 0, self.mix, codes, Arc::clone(&self.books));
        Ok(())
    }

    fn operations(&mut self) -> &mut dyn Journeys {
        &mut self.drive
    }

    fn check(&mut self, lane: &mut Lane, check: &Check) -> LedgerVerdict {
        check::check(self.seed, &self.drive.codes(), &self.books, lane, check)
    }

    fn fork(&self, nth: u64) -> Box<dyn SystemJourneys> {
        Box::new(Self {
            seed: self.seed,
            mix: self.mix,
            links: self.links,
            books: Arc::clone(&self.books),
            drive: self.drive.fork(nth),
        })
    }
}
