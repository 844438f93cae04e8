//! The journeys of each system, by name.
//!
//! A new system is one file here and one line in [`SYSTEMS`].

pub mod limiter;
pub mod plain;
pub mod request_list;
pub mod shortener;

use std::io;
use std::time::Duration;

pub use crate::sender::{Check, PrepareError, Progress, SystemJourneys};

/// The options of journeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JourneyOptions {
    /// The seed of all random choices and generated names.
    /// One seed is for one run of one system: a second run would count what the first one left behind.
    pub seed: u64,
    /// The name of the mix; `None` for the system's first.
    pub mix: Option<String>,
    /// The population: links, clients or rooms; [`SystemEntry::things`] names them.
    pub links: usize,
    /// The path that [`plain`] requests.
    pub path: String,
    /// The status that [`plain`] counts as success.
    pub status: u16,
}

impl Default for JourneyOptions {
    fn default() -> Self {
        Self { seed: 1, mix: None, links: 10_000, path: "/".to_owned(), status: 200 }
    }
}

/// A system in the registry.
#[derive(Debug)]
pub struct SystemEntry {
    /// Its name.
    pub name: &'static str,
    /// A one-line summary.
    pub summary: &'static str,
    /// The mixes, the default first: name and summary.
    pub mixes: &'static [(&'static str, &'static str)],
    /// The name of the population ([`JourneyOptions::links`]), in the plural.
    pub things: &'static str,
    /// The operations of a mix, each with its share.
    pub shares: fn(mix: &str) -> Vec<(&'static str, f64)>,
    /// A path of this system's public API only, which identifies it; `None` if any server will do.
    pub only_path: Option<&'static str>,
    /// Whether a mix uses each thing once, so that a load needs one for each operation.
    pub takes_each_once: fn(mix: &str) -> bool,
    /// The limit that a mix puts on each client; `None` for a system without limits.
    pub lines: fn(mix: &str) -> Option<PolicyLine>,
    /// All facts that its ledger can report, in the order of a report.
    pub facts: &'static [&'static str],
    /// The facts of which a single one is a broken promise.
    pub breaches: &'static [&'static str],
    make: fn(&JourneyOptions, mix: &'static str) -> io::Result<Box<dyn SystemJourneys>>,
}

/// The largest population.
pub const MAX_THINGS: u64 = 1_000_000;

impl SystemEntry {
    /// The population that a mix needs for this many operations, at most [`MAX_THINGS`]; `None` if any will
    /// do.
    ///
    /// Arrivals are random, so it is five standard deviations of a Poisson count above the expected number.
    pub fn needs(&self, mix: &str, operations: f64) -> Option<u64> {
        let drawn = operations + 5.0 * operations.sqrt();
        (self.takes_each_once)(mix).then_some((drawn.ceil() as u64).clamp(1, MAX_THINGS))
    }
}

/// A limit on each client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyLine {
    /// The number of requests
    pub requests: u32,
    /// in a window of this length.
    pub window: Duration,
}

/// All systems.
pub const SYSTEMS: &[SystemEntry] = &[shortener::ENTRY, limiter::ENTRY, plain::ENTRY];

/// The reasons why journeys cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum JourneyError {
    /// No system has this name.
    #[error("no system is called `{name}`\nhint: the systems are {known}")]
    UnknownSystem {
        /// The requested name.
        name: String,
        /// The known names.
        known: String,
    },
    /// The system has no such mix.
    #[error("`{system}` has no mix called `{mix}`\nhint: its mixes are {known}")]
    UnknownMix {
        /// The system.
        system: &'static str,
        /// The requested mix.
        mix: String,
        /// The known mixes.
        known: String,
    },
    /// The ledger's file could not be created.
    #[error("the ledger's file could not be made: {0}")]
    Ledger(#[from] io::Error),
}

/// The journeys of a system, by its name and by the mix in the options.
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
