//! The acknowledged and indeterminate changes of the shortener: one ledger for all threads.

use std::{
    io,
    sync::{
        OnceLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use super::ending::Ending;
use crate::ledger::Log;

/// The ledger of one run.
#[derive(Debug)]
pub(super) struct LedgerState {
    /// A line for each create: `a <number> <code>` acknowledged, `i <number>` indeterminate.
    log: Log,
    clicks: Vec<Clicks>,
    /// Follows that led to another link's target.
    wrong: AtomicU64,
    /// Follows of an acknowledged link that was not found.
    missing: AtomicU64,
    /// Links that end within the run, or the reason why there are none; empty before a preparation.
    ending: OnceLock<Result<Ending, String>>,
}

/// The follows of one seeded link; 32 bits suffice for four thousand million.
#[derive(Debug, Default)]
struct Clicks {
    acknowledged: AtomicU32,
    indeterminate: AtomicU32,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// Records the links that end within the run.
    pub(super) fn will_end(&self, ending: Result<Ending, String>) {
        // A second preparation of the same run adds nothing.
        let _ = self.ending.set(ending);
    }

    /// Links that end within the run.
    pub(super) fn ending(&self) -> Option<&Result<Ending, String>> {
        self.ending.get()
    }

    /// The bounds on the clicks of a link.
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

    /// The log's entries, in order. An unreadable line is skipped; a torn log makes the check incomplete.
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
