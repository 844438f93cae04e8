//! A scenario: a question, the one axis that answers it, what is held, the load, and the claims that it
//! tests.
//!
//! Scenarios are data, `scenarios/<folder>/<question>.toml` (a system's folder or a theme's), each beside the notes that explain it.
//! Every value from this module is validated: every axis and value exists, and exactly one axis varies.
//!
//! Read in this order: this file (the model), `file` (its shape in TOML), `read` (from text to the shape),
//! `check` (from the shape to the model), `load` and `phases` (the load), `faults` (injected faults), `claim`
//! (tested claims), `answer` (the report's first sentences), `library` (finding scenarios), `fault` (errors
//! with their location in a file).

mod answer;
mod check;
mod claim;
mod fault;
mod faults;
mod file;
mod library;
mod load;
pub mod phases;
mod read;

use std::{collections::BTreeMap, path::PathBuf};

pub use answer::{Answer, FigureOf, Piece};
pub use claim::{Claim, Expectation, Metric, OverTime, Relation};
use design::System;
pub use fault::ScenarioFault;
pub use faults::{
    CLIENT, Callee, Caller, ErrorReply, Fault, FaultByHand, FaultKind, Link, ProcessName, Target,
};
pub use library::Library;
pub use load::{ArrivalKind, LoadSpec};
pub use phases::Phase;
use serde::{Deserialize, Serialize};

/// A question that two or more wirings of one system answer.
#[derive(Clone)]
pub struct Scenario {
    /// `<folder>/<question>`: `shortener/placement`.
    pub name: String,
    /// The file of the scenario.
    pub path: PathBuf,
    /// The system under study.
    pub system: &'static System,
    /// The question, as an interviewer would ask it.
    pub question: String,
    /// Why the answer matters.
    pub why: String,
    /// What to look at in the report.
    pub look_for: Vec<String>,
    /// The first sentences of the report.
    pub answers: Vec<Answer>,
    /// How the arms are compared.
    pub kind: Kind,
    /// The difference between the arms.
    pub comparison: Comparison,
    /// The held axes with their values.
    pub hold: BTreeMap<String, String>,
    /// The load offered to the arms.
    pub load: LoadSpec,
    /// The faults injected in each episode.
    pub faults: Vec<Fault>,
    /// The claims of textbooks, to be tested.
    pub claims: Vec<Claim>,
}

/// The kind of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// All arms are up and warm; load alternates between them in short slices. For steady states.
    Paired,
    /// Whole episodes of one arm after another, in random order. For faults, queues, and other effects over
    /// time.
    Episodes,
    /// Steps, each one axis away from the previous one; measured as `paired`, drawn as a bar per step.
    Waterfall,
}

impl Kind {
    /// The name in a scenario file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paired => "paired",
            Self::Episodes => "episodes",
            Self::Waterfall => "waterfall",
        }
    }
}

/// The difference between arms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// One axis; each arm is a value of it.
    Axis {
        /// The axis: `placement`.
        axis: String,
        /// Its values, one per arm; all equal for an A/A comparison, otherwise all different.
        arms: Vec<String>,
    },
    /// Steps, each one axis away from the previous one.
    Steps(Vec<Step>),
}

/// One step of a waterfall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name in the report: `database per service`.
    pub label: String,
    /// The axis and value that it changes; `None` for the first step.
    pub change: Option<(String, String)>,
}

impl Comparison {
    /// The names of the arms in claims and `--arm`.
    pub fn arm_names(&self) -> Vec<&str> {
        match self {
            Self::Axis { arms, .. } => arms.iter().map(String::as_str).collect(),
            Self::Steps(steps) => steps.iter().map(|step| step.label.as_str()).collect(),
        }
    }

    /// Whether every arm is the same value: a test of the lab itself.
    pub fn is_a_a(&self) -> bool {
        match self {
            Self::Axis { arms, .. } => arms.windows(2).all(|pair| pair[0] == pair[1]),
            Self::Steps(_) => false,
        }
    }
}

impl Scenario {
    /// The axis as a question, which each arm answers: `Which requests leave a trace?`. `None` in a
    /// waterfall.
    pub fn asks(&self) -> Option<&'static str> {
        match &self.comparison {
            Comparison::Axis { axis, .. } if axis == "placement" => Some("Which components share a process?"),
            Comparison::Axis { axis, .. } => Some(self.system.axis(axis)?.summary),
            Comparison::Steps(_) => None,
        }
    }

    /// The notes that explain this scenario: the `.md` file beside it.
    pub fn notes_path(&self) -> PathBuf {
        self.path.with_extension("md")
    }
}

/// A label as a file name: ASCII letters and digits in lower case, and dots; any other character becomes a
/// dash.
pub(crate) fn file_name(label: &str) -> String {
    let mapped: String = label
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { ' ' })
        .collect();
    mapped.split_whitespace().collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests;
