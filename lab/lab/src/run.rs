//! The experiment: arms are started, warmed up, loaded in turn, checked, and judged.
//!
//! Read in this order: `cell` (the same for a cell of a drill), `before` (a look at the machine), `experiment` (launches and their phases), `rounds`
//! (after each slice: void slices), `capacity` (the ramp at the end of a launch), `floor` (the generator's
//! own latency), `faults` (injected faults), `over_time` (what happens over an episode), `gathered` (the data of an arm), `compare`, `claims` and
//! `answers` (the conclusions), `assemble` (the report), `folder` (where it is kept), `machine` (where it was
//! measured).

mod answers;
mod assemble;
mod before;
mod capacity;
mod cell;
mod claims;
mod compare;
mod counters;
mod experiment;
mod faults;
mod floor;
mod folder;
mod gathered;
pub(crate) mod machine;
mod over_time;
mod pinned;
mod progress;
mod rounds;

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use before::Before;
pub(crate) use cell::{CellOf, run as run_cell};
pub use folder::RunFolder;
use gathered::Gathered;
use hdrhistogram::serialization::{Serializer, V2Serializer};
use report::Report;
use runtimes::{
    arm::{BackingChoices, Lacking},
    interrupt::Interrupt,
    launch::Runtime,
};
use scenario::{
    Scenario,
    diagnostic::Diagnostic,
    plan::{self, Plan},
};
use time::OffsetDateTime;

use crate::{outcome::Outcome, output, runs};

/// The options of a run.
pub struct RunOptions {
    /// The plan.
    pub plan: Plan,
    /// The runtime of the arms.
    pub runtime: Runtime,
    /// Stores and brokers given by address.
    pub backings: BackingChoices,
    /// The folder of runs.
    pub out: PathBuf,
    /// Whether to open the report in a browser at the end.
    pub open: bool,
    /// The longest wait for a quiet machine.
    pub wait_quiet: Option<Duration>,
    /// The time limit of a run that continues until it has decided.
    pub until_decided: Option<Duration>,
    /// Whether to continue when no verdict is possible any more.
    pub to_the_end: bool,
    /// The program of service processes; `None` for the lab itself.
    pub program: Option<PathBuf>,
    /// The drill of which it is a cell.
    pub(crate) drill: Option<CellOf>,
}

/// Runs a plan, keeps the run's folder, prints the report.
///
/// A run that fails or is interrupted leaves no folder.
pub fn run(options: &RunOptions) -> Result<Outcome> {
    say_what_to_expect(options);
    let interrupt = Interrupt::install()?;
    let busy = match before::look(options, &interrupt)? {
        Before::Begin(busy) => busy,
        Before::NeverQuiet => return Ok(Outcome::NoVerdict),
    };
    let began = machine::now();
    let folder = RunFolder::create(&options.out, &options.plan, began, &interrupt)?;
    let mut gathered =
        experiment::run(options, &folder, &interrupt).map_err(|error| kept_nothing(error, &interrupt))?;
    // Last, so that load begins as soon as possible; a failure here does not lose the run.
    match floor::measure(&options.plan) {
        Ok(latency) => gathered.floor = Some(latency),
        Err(error) => {
            gathered.notes.push(format!("what the generator itself adds was not measured: {error:#}"));
        }
    }
    let warnings = options.plan.warnings();
    gathered.notes.extend(warnings.iter().map(|warning| warning.replace("\nhint: ", "; to change that: ")));
    gathered.notes.splice(..0, busy);
    let (report, path) = kept(options, &gathered, folder, began)?;
    output::data(&report::terminal::render(&report))?;
    show(&path, options.open);
    let outcome = outcome(&report);
    if outcome == Outcome::NoVerdict {
        let (void, all) = (gathered.void_slices, gathered.slices);
        let remedy = before::remedy(&options.plan, void as f64 / all.max(1) as f64);
        output::talk(&format!(
            "no verdict: the generator was late in {void} of {all} slices\nhint: {remedy}"
        ));
    }
    Ok(outcome)
}

/// An interrupted run says that it leaves nothing.
fn kept_nothing(error: anyhow::Error, interrupt: &Interrupt) -> anyhow::Error {
    match interrupt.check() {
        Ok(()) => error,
        Err(_) => Diagnostic::new("interrupted").hint("nothing is kept of a run that did not end").into(),
    }
}

/// The report of what was gathered, and the folder in which both are kept.
fn kept(
    options: &RunOptions,
    gathered: &Gathered,
    folder: RunFolder,
    began: OffsetDateTime,
) -> Result<(Report, PathBuf)> {
    for arm in &gathered.arms {
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&arm.record.latency, &mut bytes).context("cannot write a histogram")?;
        folder.write(&format!("latency/{}.hdr", arm.plan.name), bytes)?;
    }
    let report = assemble::report(options, gathered, folder.id(), began);
    let path = folder.keep(&report)?;
    Ok((report, path))
}

/// Prints the expected duration, what may hide the answer, and which arms will be skipped.
fn say_what_to_expect(options: &RunOptions) {
    let RunOptions { plan, runtime, backings, .. } = options;
    let takes = plan::about(plan.takes());
    let limit = options.until_decided.map(|limit| format!(", and {} at most", plan::about(limit)));
    output::talk(&format!("{}: takes about {takes}{}", plan.scenario.name, limit.unwrap_or_default()));
    output::talk(&plan.precision_of_p99());
    for warning in plan.warnings() {
        output::talk(&format!("note: {warning}"));
    }
    if matches!(runtime, Runtime::Process) {
        for (arm, Lacking { why, hint }) in backings.lacking(plan) {
            output::talk(&format!("note: the arm `{arm}` will be skipped: {why}\nhint: {hint}"));
        }
    }
}

/// The answers of a scenario with the figures of a report, as far as that run can give them.
pub fn answers(scenario: &Scenario, report: &Report) -> Vec<report::model::Answer> {
    let comparisons = compare::Comparisons {
        list: report.comparisons.clone(),
        for_claims: Vec::new(),
        family: report.validity.family_size,
        cpu: None,
    };
    let possible = report.validity.verdict_possible;
    answers::all(scenario.system.name, &scenario.answers, &report.arms, &comparisons, possible)
}

/// Renders the report of a run's folder again, from its `report.json` only.
pub fn redraw(folder: &Path, open: bool) -> Result<()> {
    let report = runs::read(folder)?;
    output::data(&report::terminal::render(&report))?;
    if let Err(error) = folder::draw(folder, &report) {
        let kind = error.root_cause().downcast_ref::<io::Error>().map(io::Error::kind);
        // A run in a folder without write permission can still be read.
        if !matches!(kind, Some(io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)) {
            return Err(error);
        }
        output::talk(&format!("note: the report's files stay as they are: {error:#}"));
    }
    show(folder, open);
    Ok(())
}

fn show(folder: &Path, open: bool) {
    let page = folder.join("report.html");
    output::talk(&format!("\nthe report as a page: {}", page.display()));
    if open {
        let opened = std::process::Command::new("xdg-open")
            .arg(&page)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status();
        if !opened.is_ok_and(|status| status.success()) {
            output::talk("hint: no browser could be opened from here; open that file in one");
        }
    }
}

/// Whether everything was as expected: claims, promises, processes, that every arm had successful operations,
/// and that there is a verdict.
fn outcome(report: &Report) -> Outcome {
    let contradicted = report
        .claims
        .iter()
        .any(|claim| claim.verdict != report::model::ClaimVerdict::CannotTell && !claim.is_as_expected());
    let broken = report.arms.iter().any(|arm| {
        let honest = arm.negative_control.is_none();
        arm.died.is_some()
            || honest && arm.ledger.as_ref().is_some_and(|ledger| ledger.verdict().kept().has_failed())
    });
    let measured = report.load.rounds > 0;
    let idle = report.arms.iter().any(|arm| measured && arm.operations == 0);
    if contradicted || broken || idle {
        Outcome::ExpectationFailed
    } else if report.validity.verdict_possible {
        Outcome::Done
    } else {
        Outcome::NoVerdict
    }
}

#[cfg(test)]
mod tests {
    use load::ledger::{LedgerVerdict, facts};

    use super::*;

    #[test]
    fn a_run_in_which_an_arm_did_nothing_well_is_no_success() {
        let json = include_str!("../../report/src/fixtures/placement.json");
        let mut report: Report = serde_json::from_str(json).unwrap();
        assert_eq!(outcome(&report), Outcome::Done);
        report.arms[1].operations = 0;
        assert_eq!(outcome(&report), Outcome::ExpectationFailed);
    }

    #[test]
    fn a_run_without_a_verdict_is_no_success_and_a_broken_promise_weighs_more() {
        let json = include_str!("../../report/src/fixtures/placement.json");
        let mut report: Report = serde_json::from_str(json).unwrap();
        report.validity.verdict_possible = false;
        assert_eq!(outcome(&report), Outcome::NoVerdict);
        report.arms[1].operations = 0;
        assert_eq!(outcome(&report), Outcome::ExpectationFailed);
    }

    #[test]
    fn a_run_and_a_check_fail_by_the_same_judgement() {
        let json = include_str!("../../report/src/fixtures/placement.json");
        let mut report: Report = serde_json::from_str(json).unwrap();
        let verdict = |acknowledged: u64, checked: u64, lost: u64| {
            let complete = checked == acknowledged;
            let mut verdict = LedgerVerdict { complete, ..LedgerVerdict::default() };
            verdict.note(facts::ACKNOWLEDGED, acknowledged);
            verdict.note(facts::CHECKED, checked);
            verdict.not_asked(acknowledged - checked);
            verdict.breach(facts::LOST, lost);
            verdict
        };
        for verdict in [verdict(50, 0, 0), verdict(50, 20, 0), verdict(50, 50, 0), verdict(50, 50, 1)] {
            report.arms[1].ledger = Some((&verdict).into());
            let fails = outcome(&report) == Outcome::ExpectationFailed;
            assert_eq!(fails, verdict.kept().has_failed(), "{verdict:?}");
        }
    }
}
