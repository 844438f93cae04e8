//! The journeys of each system, by name.
//!
//! A second system is one new file here and one line in [`SYSTEMS`].

pub mod limiter;
pub mod plain;
pub mod request_list;
pub mod shortener;

use std::io;
use std::time::Duration;

use crate::journey::Journeys;
use crate::ledger::LedgerVerdict;
use crate::sender::{Lane, SenderError};
use crate::series::Series;

/// Everything that a sender needs to know of a system.
pub trait SystemJourneys: Send {
    /// Brings the system to the state that the operations assume, in a closed loop over `lane`.
    fn prepare(
        &mut self,
        lane: &mut Lane,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError>;

    /// The operations to measure.
    fn operations(&mut self) -> &mut dyn Journeys;

    /// Asks the public API whether the system still holds what it acknowledged to these journeys and their forks.
    fn check(&mut self, lane: &mut Lane, check: &Check) -> LedgerVerdict;

    /// What happened over the time of the present or the last slice, where that is worth a drawing.
    /// Of these journeys alone: a fork has its own.
    fn series(&self) -> Option<Series> {
        None
    }

    /// The same journeys for another thread, after the preparation: its own randomness, the same ledger.
    fn fork(&self, nth: u64) -> Box<dyn SystemJourneys>;
}

/// How far a preparation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Things done.
    pub done: u64,
    /// Things to do.
    pub total: u64,
}

/// Why a system could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The sender's own failure.
    #[error(transparent)]
    Sender(#[from] SenderError),
    /// The system did not do what the preparation asked.
    #[error(
        "only {done} of {total} {what} could be prepared; failures: {failures}\nhint: is the system healthy?"
    )]
    Incomplete {
        /// What was being made.
        what: &'static str,
        /// How many were made.
        done: u64,
        /// How many were wanted.
        total: u64,
        /// The causes and their counts.
        failures: String,
    },
}

/// The limits of a ledger check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Questions in flight at once.
    pub in_flight: usize,
    /// How long a count that is still too low may stand still, by looks of 250 ms each, before it counts as settled;
    /// while the system says that something is on its way, it is not settled however long it stands still.
    pub settle: Duration,
    /// How long to wait for counts to settle at all: longer than any part of a system may take to notice that another
    /// one died, and to do its work.
    pub deadline: Duration,
    /// How long each pass of questions may take.
    pub pass: Duration,
    /// The longest that a cache may serve a deleted thing, and what an answer takes.
    pub cached_for: Duration,
    /// How long a deleted thing that is still served, as a cache may serve it, is waited for to be gone.
    pub patience: Duration,
    /// How many things to delete at the end, to see for how long caches still serve them; 0: none.
    pub deletes: usize,
}

impl Default for Check {
    fn default() -> Self {
        Self {
            in_flight: 32,
            settle: Duration::from_secs(4),
            deadline: Duration::from_mins(1),
            pass: Duration::from_mins(2),
            // A minute, give or take a tenth.
            cached_for: Duration::from_secs(70),
            patience: Duration::from_secs(75),
            deletes: 0,
        }
    }
}

/// What journeys are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JourneyOptions {
    /// The seed of everything drawn and of every name made up.
    /// One seed drives one run of one system: what an earlier run left would be counted as this run's.
    pub seed: u64,
    /// Which mix, by name; the system's first if there is none.
    pub mix: Option<String>,
    /// How many links (or clients, or rooms) there are to choose from: what [`SystemEntry::things`] names.
    pub links: usize,
    /// The path that [`plain`] asks for.
    pub path: String,
    /// The status that [`plain`] takes for success.
    pub status: u16,
}

impl Default for JourneyOptions {
    fn default() -> Self {
        Self { seed: 1, mix: None, links: 10_000, path: "/".to_owned(), status: 200 }
    }
}

/// A system and its mixes.
#[derive(Debug)]
pub struct SystemEntry {
    /// Its name.
    pub name: &'static str,
    /// One line for a list.
    pub summary: &'static str,
    /// Its mixes, the default first: names and one line each.
    pub mixes: &'static [(&'static str, &'static str)],
    /// What there are [`JourneyOptions::links`] of, in the plural.
    pub things: &'static str,
    /// Which operations a mix consists of, and the share of each.
    pub shares: fn(mix: &str) -> Vec<(&'static str, f64)>,
    /// A path that its public API alone has, by which it is told from other systems; none where any server will do.
    pub only_path: Option<&'static str>,
    /// Whether a mix takes each thing once, so that a load needs a thing for each of its operations.
    pub takes_each_once: fn(mix: &str) -> bool,
    /// The limit that a mix puts on each of its clients; `None` where a system limits nobody.
    pub lines: fn(mix: &str) -> Option<PolicyLine>,
    /// Every fact that its ledger can report, in the order of a report.
    pub facts: &'static [&'static str],
    /// Those of the facts that are broken promises as soon as there is one.
    pub breaches: &'static [&'static str],
    make: fn(&JourneyOptions, mix: &'static str) -> io::Result<Box<dyn SystemJourneys>>,
}

/// The most things that are prepared: links, clients, rooms.
pub const MAX_THINGS: u64 = 1_000_000;

impl SystemEntry {
    /// How many things a mix needs for so many operations, at most [`MAX_THINGS`]; none where any number will do.
    ///
    /// Arrivals are drawn, so there are five standard deviations of a Poisson count more than are expected.
    pub fn needs(&self, mix: &str, operations: f64) -> Option<u64> {
        let drawn = operations + 5.0 * operations.sqrt();
        (self.takes_each_once)(mix).then_some((drawn.ceil() as u64).clamp(1, MAX_THINGS))
    }
}

/// A limit that clients are held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyLine {
    /// So many requests
    pub requests: u32,
    /// in so long a time.
    pub window: Duration,
}

/// Every system that can be driven.
pub const SYSTEMS: &[SystemEntry] = &[shortener::ENTRY, limiter::ENTRY, plain::ENTRY];

/// Why there are no such journeys.
#[derive(Debug, thiserror::Error)]
pub enum JourneyError {
    /// No system has this name.
    #[error("no system is called `{name}`\nhint: the systems are {known}")]
    UnknownSystem {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The system has no such mix.
    #[error("`{system}` has no mix called `{mix}`\nhint: its mixes are {known}")]
    UnknownMix {
        /// The system.
        system: &'static str,
        /// The mix that was asked for.
        mix: String,
        /// The mixes that there are.
        known: String,
    },
    /// The ledger's file could not be made.
    #[error("the ledger's file could not be made: {0}")]
    Ledger(#[from] io::Error),
}

/// The journeys of a system, by its name and by the mix that the options name.
pub fn for_system(name: &str, options: &JourneyOptions) -> Result<Box<dyn SystemJourneys>, JourneyError> {
    let unknown = || JourneyError::UnknownSystem {
        name: name.to_owned(),
        known: listed(SYSTEMS.iter().map(|s| s.name)),
    };
    let entry = SYSTEMS.iter().find(|entry| entry.name == name).ok_or_else(unknown)?;
    let wanted = options.mix.as_deref().unwrap_or(entry.mixes[0].0);
    let unknown = || JourneyError::UnknownMix {
        system: entry.name,
        mix: wanted.to_owned(),
        known: listed(entry.mixes.iter().map(|(mix, _)| *mix)),
    };
    let (mix, _) = entry.mixes.iter().find(|(mix, _)| *mix == wanted).ok_or_else(unknown)?;
    Ok((entry.make)(options, mix)?)
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
