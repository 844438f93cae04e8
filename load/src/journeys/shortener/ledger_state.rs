//! What the shortener acknowledged, and what is not known: the same ledger for all threads.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::ending::Ending;
use crate::ledger::Log;

/// The ledger of one run.
#[derive(Debug)]
pub(super) struct LedgerState {
    /// One line for each create: `a <number> <code>` acknowledged, `i <number>` indeterminate.
    log: Log,
    clicks: Vec<Clicks>,
    /// Follows that led to another link's target.
    wrong: AtomicU64,
    /// Follows of an acknowledged link that was not there.
    missing: AtomicU64,
    /// Links that end within the run, or why there are none; nothing where nothing was prepared.
    ending: OnceLock<Result<Ending, String>>,
}

/// The follows of one seeded link. 32 bits: four thousand million follows of one link.
#[derive(Debug, Default)]
struct Clicks {
    acknowledged: AtomicU32,
    indeterminate: AtomicU32,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Created { number: u64, code: String },
    Indeterminate { number: u64 },
}

impl LedgerState {
    pub(super) fn new(links: usize) -> io::Result<Self> {
        let mut clicks = Vec::new();
        clicks.resize_with(links, Clicks::default);
        Ok(Self {
            log: Log::anonymous()?,
            clicks,
            wrong: AtomicU64::new(0),
            missing: AtomicU64::new(0),
            ending: OnceLock::new(),
        })
    }

    pub(super) fn created(&self, number: u64, code: &str) {
        self.log.write(format_args!("a {number} {code}"));
    }

    pub(super) fn maybe_created(&self, number: u64) {
        self.log.write(format_args!("i {number}"));
    }

    pub(super) fn followed(&self, link: usize) {
        self.clicks[link].acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn maybe_followed(&self, link: usize) {
        self.clicks[link].indeterminate.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn found_wrong(&self) {
        self.wrong.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn found_missing(&self) {
        self.missing.fetch_add(1, Ordering::Relaxed);
    }

    /// Links have been made that end within the run.
    pub(super) fn will_end(&self, ending: Result<Ending, String>) {
        // A second preparation of the same run has nothing to add.
        let _ = self.ending.set(ending);
    }

    /// Links that end within the run.
    pub(super) fn ending(&self) -> Option<&Result<Ending, String>> {
        self.ending.get()
    }

    /// The least and the most clicks that a link may have.
    pub(super) fn bounds(&self, link: usize) -> (u64, u64) {
        let clicks = &self.clicks[link];
        let low = u64::from(clicks.acknowledged.load(Ordering::Relaxed));
        (low, low + u64::from(clicks.indeterminate.load(Ordering::Relaxed)))
    }

    pub(super) fn wrong(&self) -> u64 {
        self.wrong.load(Ordering::Relaxed)
    }

    pub(super) fn missing(&self) -> u64 {
        self.missing.load(Ordering::Relaxed)
    }

    pub(super) fn is_torn(&self) -> bool {
        self.log.is_torn()
    }

    /// The log's entries, in order. A line that cannot be read is left out, so a torn ledger is never complete.
    pub(super) fn entries(&self) -> io::Result<impl Iterator<Item = Entry> + use<>> {
        Ok(self.log.lines()?.filter_map(|line| parse(&line.ok()?)))
    }
}

fn parse(line: &str) -> Option<Entry> {
    let mut words = line.split(' ');
    let (tag, number) = (words.next()?, words.next()?.parse().ok()?);
    match tag {
        "a" => Some(Entry::Created { number, code: words.next()?.to_owned() }),
        "i" => Some(Entry::Indeterminate { number }),
        _ => None,
    }
}
