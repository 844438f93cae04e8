//! A question as validated data, and the plan that answers it: everything that is known before anything is
//! started.
//!
//! ```text
//! scenarios/<system>/<question>.toml -> Scenario -> Plan: arms, processes, backings, processors, load
//! ```
//!
//! It starts nothing, measures nothing and waits for nothing. It reads scenario files, and gets the available
//! processors from the kernel.
//!
//! Read in this order:
//!
//! - [`systems`]: the systems, each with the journeys that load it;
//! - `scenario`: a scenario file, from TOML to a validated [`Scenario`]; its types are exported here;
//! - [`plan`]: every choice made, and the proof that arms differ in one axis;
//! - [`drill`]: every fault in every wiring, each a plan;
//! - [`diagnostic`]: error messages with hints.
//!
//! Not here: starting and measuring arms (`runtimes`), and the conclusions of a run (`lab`).

pub mod diagnostic;
pub mod drill;
pub mod plan;
mod scenario;
pub mod systems;

pub use self::scenario::{
    Answer, ArrivalKind, CLIENT, Callee, Caller, Claim, Comparison, ErrorReply, Expectation, Fault,
    FaultByHand, FaultKind, FigureOf, Kind, Library, Link, LoadSpec, Metric, OverTime, Phase, Piece,
    ProcessName, Relation, Scenario, ScenarioFault, Step, Target, phases,
};
