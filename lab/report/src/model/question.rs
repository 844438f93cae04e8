//! What was asked.

use serde::{Deserialize, Serialize};

/// The scenario, as far as a reader of the report needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The system under study: `shortener`.
    pub system: String,
    /// `<system>/<question>`: `shortener/placement`.
    pub name: String,
    /// The question, as an interviewer would ask it.
    pub question: String,
    /// Why the answer matters.
    pub why: String,
    /// What to look at.
    pub look_for: Vec<String>,
    /// How the arms were compared.
    pub kind: Kind,
    /// The one axis; in a waterfall the axes of its steps, joined by commas.
    pub axis: String,
    /// What the axis asks, to which each arm is an answer; none in a waterfall, and in a report of an earlier lab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
    /// Arms that are known to be wrong, and ship so that the checker has something to catch.
    #[serde(default)]
    pub negative_controls: Vec<NegativeControl>,
}

/// How arms were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// All arms up and warm; load alternated between them in short slices.
    Paired,
    /// Whole episodes of one arm after another.
    Episodes,
    /// Steps, each one axis away from the step before and compared with it.
    Waterfall,
}

/// An arm that is wrong on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NegativeControl {
    /// The arm's label.
    pub arm: String,
    /// What is wrong with it.
    pub why: String,
}
