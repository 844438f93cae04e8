//! The load of a scenario.

use std::{collections::BTreeMap, time::Duration};

use load::sender::Limits;
use serde::{Deserialize, Serialize};

use super::phases::{self, Phase};

/// The load of a scenario.
///
/// Each arm is offered `rate` during its turn, so that its load does not depend on the number of arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadSpec {
    /// The mix of journeys, one that the generator has for the system: `follow-mostly`.
    pub mix: String,
    /// Operations a second. More than 0, at most 100,000.
    pub rate: f64,
    /// The length of one slice, in milliseconds, 10 to 600,000; [`LoadSpec::slice`] has the default.
    pub slice_ms: Option<u64>,
    /// The measured time in seconds, over all arms and launches. 1 to 86,400.
    #[serde(default = "LoadSpec::default_seconds")]
    pub seconds: u64,
    /// The same with `--quick`.
    #[serde(default = "LoadSpec::default_quick_seconds")]
    pub quick_seconds: u64,
    /// The number of starts of each arm: one process's memory layout alone can shift it by per cents. 1 to
    /// 100.
    #[serde(default = "LoadSpec::default_launches")]
    pub launches: u32,
    /// The same with `--quick`.
    #[serde(default = "LoadSpec::default_quick_launches")]
    pub quick_launches: u32,
    /// The number of things before load begins (links, clients, rooms), from which operations choose. 1 to
    /// 1,000,000. `links` is an alias.
    #[serde(default = "LoadSpec::default_things", alias = "links")]
    pub things: u64,
    /// The connections to each arm, which is also the most operations in flight. 1 to 1,000.
    #[serde(default = "LoadSpec::default_connections")]
    pub connections: usize,
    /// The options of the system's own journeys, by their names; the system declares them.
    #[serde(default)]
    pub options: BTreeMap<String, toml::Value>,
    /// The distribution of due times.
    #[serde(default)]
    pub arrivals: ArrivalKind,
    /// The phases of the rate over a slice; empty for a constant rate. A slice is as long as all of them.
    #[serde(default)]
    pub phases: Vec<Phase>,
}

/// The distribution of due times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArrivalKind {
    /// Independent users: exponential gaps.
    #[default]
    Poisson,
    /// At equal gaps.
    Constant,
}

impl ArrivalKind {
    /// The name in a scenario file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Poisson => "poisson",
            Self::Constant => "constant",
        }
    }
}

/// The default length of a slice.
const SLICE: Duration = Duration::from_millis(50);

impl LoadSpec {
    /// The length of one slice: that of its phases, if it has any.
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

    /// As many connections as the generator opens where a load does not say.
    pub(crate) fn default_connections() -> usize {
        Limits::default().connections
    }

    /// The options of the system's own journeys, by name, each value as text.
    pub fn options(&self) -> impl Iterator<Item = (&str, String)> {
        let text = |value: &toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.options.iter().map(move |(name, value)| (name.as_str(), text(value)))
    }

    /// The first value out of its bounds: its key, and the bounds as text.
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
            ((1..=1_000).contains(&self.connections), "connections", "1 to 1000"),
        ];
        within.into_iter().find(|(is_within, ..)| !is_within).map(|(_, key, bounds)| (key, bounds))
    }
}
