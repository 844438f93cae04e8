//! A drill: each cell of the matrix is run and judged, and all are told in one table.
//!
//! A cell is an episode of [`run`](crate::run), with the same generator, the same faults and the same ledger; nothing is
//! measured here.
//!
//! Read in this order: this file (the order of things), `result` (a drill as data, and its verdicts), `figures` (from the
//! report of a cell to its figures), `table` (what is printed), `folder` (where it is kept).

mod figures;
mod folder;
mod result;
mod table;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Result;
use report::Report;
use runtimes::{arm::BackingChoices, interrupt::Interrupt, launch::Runtime, measure::Look};
use scenario::{
    drill::{Cell, Drill},
    plan::about,
};

use self::{
    folder::DrillFolder,
    result::{CellResult, DrillResult, Verdict},
};
use crate::{
    outcome::Outcome,
    output,
    run::{CellOf, RunOptions, run_cell},
};

/// The options of a drill.
pub struct DrillOptions {
    /// The matrix.
    pub drill: Drill,
    /// The runtime of the wirings.
    pub runtime: Runtime,
    /// Stores and brokers given by address.
    pub backings: BackingChoices,
    /// The folder of runs.
    pub out: PathBuf,
    /// Whether to print the result as JSON.
    pub json: bool,
}

/// Runs every cell, keeps the drill's folder, prints the table.
///
/// A drill that is interrupted keeps the cells that it has finished, and none that it has not; before the first it leaves
/// no folder. A cell that cannot be run is told, and the others go on.
pub fn run(options: &DrillOptions) -> Result<Outcome> {
    let interrupt = Interrupt::install()?;
    let cells = &options.drill.cells;
    output::talk(&format!(
        "{}: {} drills, about {}",
        options.drill.system.name,
        cells.len(),
        about(takes(cells))
    ));
    if let Some(cell) = cells.first() {
        let look = Look::take(&cell.plan.budget);
        output::talk(&format!("the machine: {}", look.seen()));
    }
    let folder = DrillFolder::create(&options.out, options.drill.system.name, &interrupt)?;
    let mut result = DrillResult::new(options, folder.id());
    let began = Instant::now();
    let ended = all(options, &folder, &interrupt, |cell| result.cells.push(cell));
    if result.cells.is_empty() {
        return ended.map(|()| Outcome::Done);
    }
    result.took_s = began.elapsed().as_secs();
    let told = if options.json { result.to_json()? } else { table::text(&result) };
    let path = folder.keep(&result)?;
    output::data(&told)?;
    output::talk(&format!("\neach drill has a report of its own: {}", path.join(folder::CELLS).display()));
    ended.map(|()| result.outcome())
}

/// Runs every cell, and passes on each that it has finished; ends with an error if the drill is interrupted.
fn all(
    options: &DrillOptions,
    folder: &DrillFolder,
    interrupt: &Interrupt,
    mut finished: impl FnMut(CellResult),
) -> Result<()> {
    let (cells, began) = (&options.drill.cells, Instant::now());
    for (index, cell) in cells.iter().enumerate() {
        interrupt.check()?;
        let left = left(cells, index, began.elapsed());
        let place = format!("drill {} of {}", index + 1, cells.len());
        output::talk(&format!("{place}, {} left: {}, {}", about(left), cell.fault.label, cell.wiring.name));
        let place = CellOf { place, left, ..of(options, cell) };
        finished(one(options, cell, place, folder, interrupt)?);
    }
    Ok(())
}

/// Runs one cell; an error in it is its result, unless the drill is interrupted.
fn one(
    options: &DrillOptions,
    cell: &Cell,
    place: CellOf,
    folder: &DrillFolder,
    interrupt: &Interrupt,
) -> Result<CellResult> {
    let mut told = CellResult::of(cell);
    if let Some(why) = skipped(options, cell) {
        output::talk(&format!("note: skipped: {why}"));
        told.end(Verdict::Skipped, &why);
        return Ok(told);
    }
    let run = RunOptions {
        plan: cell.plan.clone(),
        runtime: options.runtime.clone(),
        backings: options.backings.clone(),
        out: folder.cells(),
        open: false,
        wait_quiet: None,
        until_decided: None,
        to_the_end: false,
        program: None,
        drill: Some(place),
    };
    let name = cell.plan.scenario.name.rsplit('/').next().unwrap_or_default().to_owned();
    match run_cell(&run, &name, interrupt) {
        Ok(report) => told.judge(options.drill.system.name, &report, &name),
        Err(error) => {
            interrupt.check()?;
            let why = scenario::diagnostic::told(&error);
            output::talk(&why);
            told.end(Verdict::Failed, why.trim_start_matches("error: "));
        }
    }
    Ok(told)
}

/// The cell as a part of its drill.
fn of(options: &DrillOptions, cell: &Cell) -> CellOf {
    let form = match options.drill.form {
        scenario::drill::Form::Quick => " --quick",
        scenario::drill::Form::Whole => "",
        scenario::drill::Form::Long => " --long",
    };
    CellOf {
        place: String::new(),
        left: Duration::ZERO,
        operations: options.drill.operations,
        command: format!("lab drill {}{form} --fault {}", options.drill.system.name, cell.fault.kind),
    }
}

/// Why a cell cannot be run here, with a hint, if that is known before it starts.
fn skipped(options: &DrillOptions, cell: &Cell) -> Option<String> {
    if !matches!(options.runtime, Runtime::Process) {
        return None;
    }
    if let Some((_, lacking)) = options.backings.lacking(&cell.plan).next() {
        return Some(format!("{}\nhint: {}", lacking.why, lacking.hint));
    }
    let mut spared = cell.fault.backings().filter_map(|(kind, killed)| options.backings.spares(kind, killed));
    spared.next().map(|why| why.to_string())
}

/// The planned time of some cells.
fn takes(cells: &[Cell]) -> Duration {
    cells.iter().map(|cell| cell.plan.takes()).sum()
}

/// What the cells from `index` on still take: as planned, by how the others took longer or shorter.
fn left(cells: &[Cell], index: usize, elapsed: Duration) -> Duration {
    let planned = takes(&cells[..index]).as_secs_f64();
    let pace = if index == 0 { 1.0 } else { elapsed.as_secs_f64() / planned };
    takes(&cells[index..]).mul_f64(pace)
}

/// Whether the generator was late in an episode of a cell, so that its times are the machine's.
fn was_late(report: &Report) -> bool {
    report.validity.void_slices > 0
}
