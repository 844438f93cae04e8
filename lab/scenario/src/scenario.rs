//! A scenario: a question, the one axis that answers it, what is held, the load, and the claims that it tests.
//!
//! Scenarios are data, `scenarios/<system>/<question>.toml`, each beside the notes that teach it.
//! What this module hands out has been checked: every axis and value exists, and exactly one axis varies.
//!
//! Read in this order: this file (the model), `file` (its shape in TOML), `read` (from text to it), `check` (from the one to the other),
//! `load` and `phases` (what is offered), `faults` (what goes wrong on purpose), `claim` (what is tested), `answer` (what the
//! report says first),
//! `library` (finding them), `fault` (saying where a file is wrong).

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

use runtime::System;
use serde::{Deserialize, Serialize};

pub use answer::{Answer, FigureOf, Piece};
pub use claim::{Claim, Expectation, Metric, Relation};
pub use fault::ScenarioFault;
pub use faults::{Fault, Harm};
pub use library::Library;
pub use load::{ArrivalKind, LoadSpec};
pub use phases::Phase;

/// A question that two or more wirings of one system answer.
#[derive(Clone)]
pub struct Scenario {
    /// `<system>/<question>`: `shortener/placement`.
    pub name: String,
    /// The file that it was read from.
    pub path: PathBuf,
    /// The system under study.
    pub system: &'static System,
    /// The question, as an interviewer would ask it.
    pub question: String,
    /// Why the answer matters.
    pub why: String,
    /// What to look at in the report.
    pub look_for: Vec<String>,
    /// What the report says first.
    pub answers: Vec<Answer>,
    /// How the arms are compared.
    pub kind: Kind,
    /// What differs between the arms.
    pub comparison: Comparison,
    /// The value of each axis that is held away from its default.
    pub hold: BTreeMap<String, String>,
    /// What is offered to the arms.
    pub load: LoadSpec,
    /// What goes wrong on purpose in each episode.
    pub faults: Vec<Fault>,
    /// What textbooks say, to be tested.
    pub claims: Vec<Claim>,
}

/// How arms are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// All arms are up and warm; load alternates between them in short slices. For steady states.
    Paired,
    /// Whole episodes of one arm after another, in random order. For faults, queues, anything with memory.
    Episodes,
    /// Steps, each one axis away from the step before; measured as `paired`, drawn as a bar a step.
    Waterfall,
}

impl Kind {
    /// The word in a scenario file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paired => "paired",
            Self::Episodes => "episodes",
            Self::Waterfall => "waterfall",
        }
    }
}

/// What differs between arms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// One axis; each arm is a value of it.
    Axis {
        /// The axis: `placement`.
        axis: String,
        /// Its values, one an arm; all equal for an A/A comparison, all different otherwise.
        arms: Vec<String>,
    },
    /// Steps, each one axis away from the step before.
    Steps(Vec<Step>),
}

/// One step of a waterfall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name in the report: `database per service`.
    pub label: String,
    /// The axis and the value that it changes; none for the first step, which is where the walk begins.
    pub change: Option<(String, String)>,
}

impl Comparison {
    /// The names of the arms as a scenario's claims and `--arm` say them.
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
    /// The axis as a question, to which each arm is an answer: `Which requests leave a trace?`. None in a waterfall.
    pub fn asks(&self) -> Option<&'static str> {
        match &self.comparison {
            Comparison::Axis { axis, .. } if axis == "placement" => Some("Which components share a process?"),
            Comparison::Axis { axis, .. } => Some(self.system.axis(axis)?.summary),
            Comparison::Steps(_) => None,
        }
    }

    /// The notes that teach this scenario, where they are kept: the `.md` file beside it.
    pub fn notes_path(&self) -> PathBuf {
        self.path.with_extension("md")
    }
}

/// A label as a file's name: its letters and digits of ASCII in lower case, and its dots; everything else is a dash.
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
