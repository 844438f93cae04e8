//! What went wrong on purpose.

use serde::{Deserialize, Serialize};

/// A fault of the scenario, which was made in every arm and every episode. Times count from the start of the episode's
/// measured slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The kind of backing that it was done to: `redis`.
    pub backing: String,
    /// What was done: `freeze`.
    pub what: String,
    /// When it was due to begin.
    pub at_ms: f64,
    /// How long it was due to last.
    pub for_ms: f64,
    /// When it was really made.
    pub made: Vec<FaultMade>,
}

/// A fault in one episode of one arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultMade {
    /// The arm's label.
    pub arm: String,
    /// Which of its episodes, from 1.
    pub launch: u32,
    /// When it was in force.
    pub began_ms: f64,
    /// When it was undone.
    pub ended_ms: f64,
}
