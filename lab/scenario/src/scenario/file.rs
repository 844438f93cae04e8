//! The shape of a scenario in TOML; `check` turns it into a [`Scenario`](super::Scenario).
//!
//! Values that can be invalid carry their location, for error messages.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{Expectation, Kind, LoadSpec, Metric, Relation, faults::FaultFile};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScenarioFile {
    /// The system; by default the name of the folder.
    pub(super) system: Option<Spanned<String>>,
    pub(super) question: String,
    pub(super) why: String,
    pub(super) look_for: Vec<String>,
    #[serde(default)]
    pub(super) answers: Vec<Spanned<String>>,
    pub(super) kind: Spanned<Kind>,
    /// Exactly one axis; parsed as any value, so that two or none can be distinguished from a typing error.
    pub(super) axis: Option<Spanned<toml::Value>>,
    pub(super) arms: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    pub(super) hold: BTreeMap<Spanned<String>, Spanned<String>>,
    pub(super) load: Spanned<LoadSpec>,
    #[serde(default)]
    pub(super) faults: Vec<Spanned<FaultFile>>,
    #[serde(default)]
    pub(super) claims: Vec<ClaimFile>,
    #[serde(default)]
    pub(super) steps: Vec<Spanned<StepFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClaimFile {
    pub(super) text: String,
    pub(super) source: String,
    pub(super) metric: Spanned<Metric>,
    pub(super) arm: Spanned<String>,
    pub(super) against: Option<Spanned<String>>,
    pub(super) is: Spanned<Relation>,
    pub(super) by_at_least: Option<Spanned<f64>>,
    pub(super) than: Option<Spanned<f64>>,
    #[serde(default)]
    pub(super) expect: Expectation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepFile {
    pub(super) label: String,
    /// The axis that this step changes; absent in the first.
    #[serde(default)]
    pub(super) set: BTreeMap<Spanned<String>, Spanned<String>>,
}
