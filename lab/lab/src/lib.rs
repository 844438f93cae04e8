//! The command `lab`: from a question to a report; also as a library, for tests and benches.
//!
//! ```text
//! scenario -> plan -> arms up -> run (load, faults, checks, statistics) -> report
//! ```
//!
//! Most of it is in crates of its own: `scenario` (the question and its plan), `runtimes` (running arms),
//! `load` (the generator), `statistics`, and `report` (the rendering). This crate combines them. Read in this
//! order:
//!
//! - [`cli`], [`commands`]: the command line; [`outcome`]: how a command ends;
//! - [`run`], [`runs`]: the experiment, and the folder of its results;
//! - [`drill`]: a matrix of such runs;
//! - [`recent`]: the last traces of a running wiring; [`by_hand`]: the faults that are made in it; [`rehearsal`]: a simulation of a system's logic under a
//!   load, drawn without starting anything;
//! - [`output`]: writing to standard output and error.
//!
//! Not here: any business rule (`services/`).

pub mod by_hand;
pub mod cli;
pub mod commands;
pub mod drill;
pub mod outcome;
pub mod output;
pub mod recent;
pub mod rehearsal;
pub mod run;
pub mod runs;
