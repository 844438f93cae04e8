//! A question as data, checked, and the plan that answers it: everything that is known before anything is started.
//!
//! ```text
//! scenarios/<system>/<question>.toml -> Scenario -> Plan: arms, processes, backings, processors, load
//! ```
//!
//! It starts nothing, measures nothing and waits for nothing. It reads scenario files, and asks the kernel which
//! processors there are.
//!
//! Read in this order:
//!
//! - [`systems`]: what can be studied, each system with the journeys that load it;
//! - `scenario`: a scenario file, from TOML to a checked [`Scenario`]; what it defines is exported here;
//! - [`plan`]: every choice made, and the proof that arms differ in one axis;
//! - [`complaint`]: what a person is told when the lab cannot go on, with what to do next.
//!
//! Not here: how an arm is started and measured (`runtimes`), and what a run makes of it (`lab`).

pub mod complaint;
pub mod plan;
mod scenario;
pub mod systems;

pub use self::scenario::{
    Answer, ArrivalKind, Claim, Comparison, Expectation, Fault, FigureOf, Harm, Kind, Library, LoadSpec,
    Metric, Phase, Piece, Relation, Scenario, ScenarioFault, Step, phases,
};
