//! The injected faults.

use serde::{Deserialize, Serialize};

/// A fault of the scenario, injected in every arm and every episode. Times count from the start of the
/// episode's measured slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What it is done to: `redis`, `links-2`, `gateway -> links`. Older reports call it `backing`.
    #[serde(alias = "backing")]
    pub target: String,
    /// The fault: `freeze`.
    pub what: String,
    /// Its parameters in words: `by 50 ms for requests only`; absent without any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Its planned start.
    pub at_ms: f64,
    /// Its planned duration.
    pub for_ms: f64,
    /// Its actual times.
    pub made: Vec<FaultMade>,
}

/// A fault in one episode of one arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultMade {
    /// The arm's label.
    pub arm: String,
    /// The number of the episode, from 1.
    pub launch: u32,
    /// The time from which it was in force.
    pub began_ms: f64,
    /// The time at which it was undone.
    pub ended_ms: f64,
    /// The time at which what it was done to served again, if it had to start and did so within the episode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_ms: Option<f64>,
}
