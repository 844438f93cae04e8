//! The lab as a library: from a question to a report. The command `lab` is a thin shell over it.
//!
//! ```text
//! scenario -> plan -> process (arms up) -> run (load, faults, checks, statistics) -> report
//! ```
//!
//! Read in this order:
//!
//! - [`systems`]: what can be studied;
//! - [`scenario`]: a question as data, checked;
//! - [`plan`]: every choice made, and the proof that arms differ in one axis;
//! - [`process`]: arms as children of the lab, with their stores and brokers;
//! - [`compose`]: arms as compose projects, run or written down; [`kubernetes`]: the same for a cluster, written down;
//! - [`measure`], [`traces`]: what arms use, and where their time goes;
//! - [`run`], [`runs`]: the experiment, and where its results are kept;
//! - [`report`]: a run in four forms; [`picture`]: what passes over time, measured or worked out;
//! - [`cli`], [`commands`]: what can be said on the command line;
//! - [`complaint`], [`output`], [`interrupt`]: how the lab speaks, and how it is stopped;
//! - `yaml`: words in the files that it writes down;
//! - `claimed`: a folder that the next lab removes if this one is killed.
//!
//! Not here: any business rule (`services/`), and how load is generated and compared (`load`).

mod claimed;
pub mod cli;
pub mod commands;
pub mod compare;
pub mod complaint;
pub mod compose;
mod http;
pub mod interrupt;
pub mod kubernetes;
pub mod measure;
pub mod output;
pub mod picture;
pub mod plan;
pub mod process;
pub mod report;
pub mod run;
pub mod runs;
pub mod scenario;
pub mod systems;
pub mod traces;
mod yaml;
