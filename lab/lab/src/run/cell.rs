//! One cell of a drill: the experiment of a run, kept in a folder of its own, and judged with the others.

use std::time::Duration;

use anyhow::Result;
use report::Report;
use runtimes::interrupt::Interrupt;

use super::{RunFolder, RunOptions, experiment, kept, machine};

/// The drill of which a run is a cell.
pub(crate) struct CellOf {
    /// Where in the drill it is: `cell 3 of 21`.
    pub(crate) place: String,
    /// The time that the drill takes still.
    pub(crate) left: Duration,
    /// The operations that it acknowledges at least.
    pub(crate) operations: Option<u64>,
    /// The command that repeats it, without the seed.
    pub(crate) command: String,
}

/// Runs the plan of a cell, and keeps its folder under this name.
///
/// A cell that fails or is interrupted leaves no folder.
pub(crate) fn run(options: &RunOptions, name: &str, interrupt: &Interrupt) -> Result<Report> {
    let began = machine::now();
    let folder = RunFolder::named(&options.out, name.to_owned(), &options.plan, interrupt)?;
    let gathered = experiment::run(options, &folder, interrupt)?;
    let (report, _) = kept(options, &gathered, folder, began)?;
    Ok(report)
}
