//! A system as the generator and the reports see it: everything that only this system means.

use std::time::Duration;

use super::{JourneyError, JourneyOptions, MAX_THINGS};
use crate::{
    ledger::{Breach, FactShape},
    sender::SystemJourneys,
};

/// The population of most systems unless somebody says otherwise.
const USUAL_THINGS: u64 = 10_000;

/// A system under test: a unit struct in [`SYSTEMS`](super::SYSTEMS).
///
/// The first five methods are what every system has. The others are extension points, each with a default for a system
/// that needs none, so that a new one adds no field anywhere.
pub trait SystemUnderTest: Sync {
    /// Its name, which is also that of the service: `shortener`.
    fn name(&self) -> &'static str;

    /// A one-line summary.
    fn summary(&self) -> &'static str;

    /// The mixes, at least one, the default first: name and summary.
    fn mixes(&self) -> &'static [(&'static str, &'static str)];

    /// The operations of a mix, each with its share; the shares add up to 1.
    fn shares(&self, mix: &str) -> Vec<(&'static str, f64)>;

    /// The journeys of a mix, one of [`mixes`](Self::mixes). The options have no undeclared name.
    fn journeys(
        &self,
        options: &JourneyOptions,
        mix: &'static str,
    ) -> Result<Box<dyn SystemJourneys>, JourneyError>;

    /// The name of the population ([`JourneyOptions::things`]), in the plural: `links`; `None` without preparation.
    fn things(&self) -> Option<&'static str> {
        None
    }

    /// The population unless somebody says otherwise.
    fn usual_things(&self) -> u64 {
        USUAL_THINGS
    }

    /// The most operations a second that are modest for any of its wirings on two processors: what a drill offers at most.
    fn modest_rate(&self) -> f64 {
        f64::INFINITY
    }

    /// Whether a mix uses each thing once, so that a load needs one for each operation.
    fn takes_each_once(&self, mix: &str) -> bool {
        let _ = mix;
        false
    }

    /// A path of this system's public API only, which identifies it; `None` if any server will do.
    fn only_path(&self) -> Option<&'static str> {
        None
    }

    /// The facts that its ledger can report, in the order of a report. Without facts it has promised nothing.
    fn facts(&self) -> &'static [FactShape] {
        &[]
    }

    /// The kinds of its operations that a report's table of latencies does not show by their own names.
    fn kinds(&self) -> &'static [KindShape] {
        &[]
    }

    /// The words of a report for how operations end, where `ended well` and `refused` mislead.
    fn outcome_words(&self) -> Option<OutcomeWords> {
        None
    }

    /// A warning about a load in which so many operations of one kind succeeded, if that kind should not occur.
    fn warning(&self, operation: &str, succeeded: u64) -> Option<String> {
        let _ = (operation, succeeded);
        None
    }

    /// The counters of its processes that reports show per operation, beside those of the platform.
    fn counters(&self) -> &'static [CounterShape] {
        &[]
    }

    /// The figures of reports that are one of its counters by another.
    fn ratios(&self) -> &'static [RatioShape] {
        &[]
    }

    /// The options of its journeys, beside seed, mix and population.
    fn options(&self) -> &'static [OptionShape] {
        &[]
    }

    /// The limit that a mix puts on each client, as a reference for drawings; `None` for a mix without one.
    fn client_limit(&self, mix: &str) -> Option<PolicyLine> {
        let _ = mix;
        None
    }
}

impl dyn SystemUnderTest + '_ {
    /// The facts of which a single one is a broken promise.
    pub fn breaches(&self) -> impl Iterator<Item = &'static str> {
        self.facts().iter().filter(|fact| fact.breaks.is_some()).map(|fact| fact.name)
    }

    /// The facts that break promises of this kind.
    pub fn breaches_of(&self, kind: Breach) -> impl Iterator<Item = &'static str> {
        self.facts().iter().filter(move |fact| fact.breaks == Some(kind)).map(|fact| fact.name)
    }

    /// The declaration of an option.
    pub fn option(&self, name: &str) -> Option<&'static OptionShape> {
        self.options().iter().find(|option| option.name == name)
    }

    /// The population that a mix needs for this many operations, at most [`MAX_THINGS`]; `None` if any will
    /// do.
    ///
    /// Arrivals are random, so it is five standard deviations of a Poisson count above the expected number.
    pub fn needs(&self, mix: &str, operations: f64) -> Option<u64> {
        let drawn = operations + 5.0 * operations.sqrt();
        self.takes_each_once(mix).then_some((drawn.ceil() as u64).clamp(1, MAX_THINGS))
    }
}

/// A kind of successful operations, in the words of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindShape {
    /// The name, as in [`Operation::kind`](crate::journey::Operation): `follow`.
    pub name: &'static str,
    /// The words: `link followed`.
    pub words: &'static str,
    /// Whether the user got a refusal as a good response, so that one latency for all kinds says little.
    pub is_refusal: bool,
}

impl KindShape {
    /// A kind whose user got what was requested.
    pub const fn new(name: &'static str, words: &'static str) -> Self {
        Self { name, words, is_refusal: false }
    }

    /// A kind whose user got a refusal.
    pub const fn refusal(name: &'static str, words: &'static str) -> Self {
        Self { name, words, is_refusal: true }
    }
}

/// The words of a report for how operations end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeWords {
    /// The fact that has to be above zero for the words to apply.
    pub where_counted: &'static str,
    /// For operations that ended well.
    pub ended_well: &'static str,
    /// For refused ones.
    pub refused: &'static str,
}

/// A counter of a system's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterShape {
    /// The name in a report, of a row without its `per operation`: `echoes`.
    pub name: &'static str,
    /// The Prometheus metric, summed over its labels and over all processes: `echoes_total`.
    pub metric: &'static str,
}

/// A figure that is one counter by another, such as what fits in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatioShape {
    /// The name in a report.
    pub name: &'static str,
    /// So many times
    pub times: f64,
    /// this counter, by its name,
    pub of: &'static str,
    /// by this one.
    pub by: &'static str,
}

/// An option of a system's journeys: of a scenario's `options`, and of `lab load --option`.
#[derive(Clone, Copy, Debug)]
pub struct OptionShape {
    /// The name: `deletes`.
    pub name: &'static str,
    /// One sentence, with the default.
    pub summary: &'static str,
    /// The accepted values, for a message: `0 to 1000`.
    pub values: &'static str,
    /// Whether a text is one of them.
    pub accepts: fn(&str) -> bool,
}

/// Whether a text is a whole number within these bounds, both included; for [`OptionShape::accepts`].
pub fn is_within<const LEAST: u64, const MOST: u64>(text: &str) -> bool {
    text.parse().is_ok_and(|number| (LEAST..=MOST).contains(&number))
}

/// A limit on each client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyLine {
    /// The number of requests
    pub requests: u32,
    /// in a window of this length.
    pub window: Duration,
}
