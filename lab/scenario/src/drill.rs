//! A drill: every fault in every wiring of a system, each cell of the matrix a plan of its own.
//!
//! The matrix follows from the data of the system: its drilled wirings ([`design::Rules::drills`]), and for each of them
//! the faults that its processes, links and stores can have. A cell is an episode with one kind of fault, and a check of
//! the ledger after it.
//!
//! Read in this order: this file (the choices and the matrix), `wirings` (what is broken), `faults` (how), `cell` (the plan
//! of one cell).

mod cell;
mod faults;
mod wirings;

use anyhow::Result;
use design::System;

pub use self::{faults::DrillFault, wirings::Drilled};
use crate::{
    diagnostic::{Diagnostic, did_you_mean},
    plan::{Budget, Plan},
};

/// The acknowledged operations of each cell in the long form, at least.
pub const LONG_OPERATIONS: u64 = 100_000;

/// The choices of the command line.
#[derive(Clone, Debug, Default)]
pub struct DrillChoices {
    /// Which of the forms.
    pub form: Form,
    /// The kinds of faults, by name; all if there are none.
    pub faults: Vec<String>,
    /// Values of axes for all wirings.
    pub set: Vec<(String, String)>,
    /// The operations that each cell acknowledges at least: it adds episodes until it has.
    pub operations: Option<u64>,
    /// The seed of every random choice.
    pub seed: u64,
}

/// The form of a drill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Each part is broken once, in the first wiring that has it, in short episodes.
    Quick,
    /// The whole matrix, one episode a cell.
    #[default]
    Whole,
    /// The whole matrix, under more load, until each cell has acknowledged [`LONG_OPERATIONS`].
    Long,
}

/// The matrix of a system.
pub struct Drill {
    /// The system.
    pub system: &'static System,
    /// The form.
    pub form: Form,
    /// The seed.
    pub seed: u64,
    /// What each cell acknowledges at least, if it adds episodes.
    pub operations: Option<u64>,
    /// The cells, wiring by wiring.
    pub cells: Vec<Cell>,
}

/// One fault in one wiring.
pub struct Cell {
    /// The wiring.
    pub wiring: Drilled,
    /// The fault.
    pub fault: DrillFault,
    /// What an episode of it is.
    pub plan: Plan,
}

impl Form {
    /// The name in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Whole => "whole",
            Self::Long => "long",
        }
    }
}

impl Drill {
    /// The matrix on this machine.
    ///
    /// Fails with a hint if an axis, a value or a kind of fault does not exist, or if no wiring can have it.
    pub fn new(system: &'static System, choices: &DrillChoices) -> Result<Self> {
        let unknown = |name: &&String| !faults::KINDS.iter().any(|(known, _)| known == name);
        if let Some(name) = choices.faults.iter().find(unknown) {
            let known = faults::KINDS.map(|(name, _)| name);
            let what = format!("a drill has no fault `{name}`");
            return Err(Diagnostic::new(what).hint(did_you_mean(name, known)).into());
        }
        let budget = Budget::of_this_machine();
        let operations = choices.operations.or((choices.form == Form::Long).then_some(LONG_OPERATIONS));
        let mut cells: Vec<Cell> = Vec::new();
        for wiring in wirings::of(system, &choices.set)? {
            for fault in faults::of(&wiring.arm) {
                let is_chosen =
                    choices.faults.is_empty() || choices.faults.iter().any(|name| name == fault.kind);
                let is_repeated = cells.iter().any(|cell| cell.fault.label == fault.label);
                let is_left_out = choices.form == Form::Quick
                    && (fault.is_lesser || (is_repeated && !repeats(&wiring, &fault)));
                if is_chosen && !is_left_out {
                    let plan = cell::plan(&wiring, &fault, choices, operations, &budget);
                    cells.push(Cell { wiring: wiring.clone(), fault, plan });
                }
            }
        }
        if cells.is_empty() {
            let what = format!(
                "no wiring of `{}` that is drilled can have `{}`",
                system.name,
                choices.faults.join("`, `")
            );
            return Err(Diagnostic::new(what)
                .hint("choose a wiring that has such a part with `--set`")
                .into());
        }
        Ok(Self { system, form: choices.form, seed: choices.seed, operations, cells })
    }
}

/// Whether the quick form has a fault in a wiring although an earlier wiring has it: whatever loses something does so when
/// a process is killed.
fn repeats(wiring: &Drilled, fault: &DrillFault) -> bool {
    fault.kind == faults::ALL_KILLED || (wiring.control.is_some() && fault.kind == faults::COMPONENT_KILLED)
}

/// The kinds of faults with what each does, for help texts.
pub fn fault_kinds() -> &'static [(&'static str, &'static str)] {
    &faults::KINDS
}

#[cfg(test)]
mod tests;
