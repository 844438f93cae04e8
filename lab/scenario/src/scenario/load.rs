//! What a scenario offers to its arms.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::phases::{self, Phase};

/// The load of a scenario.
///
/// Each arm is offered `rate` while it is its turn, so that what an arm sees does not depend on how many arms there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadSpec {
    /// The mix of journeys, one that the generator has for the system: `follow-mostly`.
    pub mix: String,
    /// Operations a second. More than 0, at most 100,000.
    pub rate: f64,
    /// How long one slice of one arm takes, milliseconds, 10 to 600,000; [`LoadSpec::slice`] knows what holds without.
    pub slice_ms: Option<u64>,
    /// How long load is measured, seconds, all arms and launches together. 1 to 86,400.
    #[serde(default = "LoadSpec::default_seconds")]
    pub seconds: u64,
    /// The same with `--quick`.
    #[serde(default = "LoadSpec::default_quick_seconds")]
    pub quick_seconds: u64,
    /// How often each arm is started afresh: one process's memory layout alone can shift it by per cents. 1 to 100.
    #[serde(default = "LoadSpec::default_launches")]
    pub launches: u32,
    /// The same with `--quick`.
    #[serde(default = "LoadSpec::default_quick_launches")]
    pub quick_launches: u32,
    /// How many things exist before load begins (links, clients, rooms), so that there is something to choose from.
    /// 1 to 1,000,000. `links` is another word for it.
    #[serde(default = "LoadSpec::default_things", alias = "links")]
    pub things: u64,
    /// How many things are deleted after the load, to see for how long caches still serve them. 0 to 1,000.
    #[serde(default)]
    pub deletes: usize,
    /// When operations are due.
    #[serde(default)]
    pub arrivals: ArrivalKind,
    /// How the rate moves over a slice, phase by phase; empty: it does not. A slice takes as long as all of them.
    #[serde(default)]
    pub phases: Vec<Phase>,
}

/// When operations are due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArrivalKind {
    /// As independent users arrive: exponential gaps.
    #[default]
    Poisson,
    /// At equal gaps.
    Constant,
}

impl ArrivalKind {
    /// The word in a scenario file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Poisson => "poisson",
            Self::Constant => "constant",
        }
    }
}

/// The length of a slice of which a scenario says nothing.
const SLICE: Duration = Duration::from_millis(50);

impl LoadSpec {
    /// How long one slice of one arm takes: as long as its phases, if it has any.
    pub fn slice(&self) -> Duration {
        match self.phases.as_slice() {
            [] => self.slice_ms.map_or(SLICE, Duration::from_millis),
            phases => phases::length(phases),
        }
    }

    /// Operations a second over a whole slice.
    pub fn mean_rate(&self) -> f64 {
        if self.phases.is_empty() { self.rate } else { self.rate * phases::mean(&self.phases) }
    }

    fn default_seconds() -> u64 {
        120
    }

    fn default_quick_seconds() -> u64 {
        18
    }

    fn default_launches() -> u32 {
        12
    }

    fn default_quick_launches() -> u32 {
        6
    }

    fn default_things() -> u64 {
        10_000
    }

    /// The first value that is out of its bounds: its key and the bounds, in words.
    pub fn out_of_bounds(&self) -> Option<(&'static str, &'static str)> {
        let within = [
            (
                self.rate > 0.0 && self.rate <= 100_000.0,
                "rate",
                "more than 0 and at most 100000 operations a second",
            ),
            (
                self.slice_ms.is_none_or(|ms| (10..=600_000).contains(&ms)),
                "slice_ms",
                "10 to 600000 milliseconds",
            ),
            ((1..=86_400).contains(&self.seconds), "seconds", "1 to 86400 seconds"),
            ((1..=86_400).contains(&self.quick_seconds), "quick_seconds", "1 to 86400 seconds"),
            ((1..=100).contains(&self.launches), "launches", "1 to 100"),
            ((1..=100).contains(&self.quick_launches), "quick_launches", "1 to 100"),
            ((1..=1_000_000).contains(&self.things), "things", "1 to 1000000"),
            (self.deletes <= 1_000, "deletes", "0 to 1000"),
        ];
        within.into_iter().find(|(is_within, ..)| !is_within).map(|(_, key, bounds)| (key, bounds))
    }
}
