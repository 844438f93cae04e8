//! The question of a run.

use serde::{Deserialize, Serialize};

/// The scenario, as far as the report needs it.
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
    /// The kind of comparison.
    pub kind: Kind,
    /// The one axis; in a waterfall the axes of its steps, joined by commas.
    pub axis: String,
    /// The axis as a question, which each arm answers; absent in a waterfall, and in older reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
    /// Arms with a known defect, which the checks must find.
    #[serde(default)]
    pub negative_controls: Vec<NegativeControl>,
}

/// The kind of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// All arms up and warm; load alternates between them in short slices.
    Paired,
    /// Whole episodes of one arm after another.
    Episodes,
    /// Steps, each one axis away from the previous step and compared with it.
    Waterfall,
}

/// An arm with a known defect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NegativeControl {
    /// The arm's label.
    pub arm: String,
    /// The defect.
    pub why: String,
}
