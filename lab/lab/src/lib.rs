//! The command `lab`: from a question to a report. As a library as well, so that tests and benches reach it.
//!
//! ```text
//! scenario -> plan -> arms up -> run (load, faults, checks, statistics) -> report
//! ```
//!
//! Most of it lies in crates of its own: `scenario` (the question and its plan), `runtimes` (arms that are up), `load`
//! (the generator), `statistics`, and `report` (what is drawn). Here they are put together. Read in this order:
//!
//! - [`cli`], [`commands`]: what can be said on the command line; [`outcome`]: how a command ends;
//! - [`run`], [`runs`]: the experiment, and where its results are kept;
//! - [`recent`]: the last traces of a wiring that is up; [`rehearsal`]: what a system's logic does with a load, drawn
//!   without starting anything;
//! - [`output`]: where words go.
//!
//! Not here: any business rule (`services/`).

pub mod cli;
pub mod commands;
pub mod outcome;
pub mod output;
pub mod recent;
pub mod rehearsal;
pub mod run;
pub mod runs;
