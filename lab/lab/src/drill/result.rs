//! The result of a drill as data, `drill.json`, and its verdicts.

use anyhow::Result;
use report::{Report, model::Machine};
use scenario::{drill::Cell, plan::quoted};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{DrillOptions, figures::Figures};
use crate::{outcome::Outcome, run::machine};

/// The version of the schema. Fields may be added under the same one.
const SCHEMA: &str = "lab-drill/1";

/// A drill.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DrillResult {
    pub(super) schema: String,
    pub(super) id: String,
    pub(super) created: String,
    pub(super) lab_version: String,
    /// The command line.
    pub(super) command: String,
    pub(super) system: String,
    /// `quick`, `whole` or `long`.
    pub(super) form: String,
    pub(super) seed: u64,
    pub(super) runtime: String,
    pub(super) machine: Machine,
    pub(super) took_s: u64,
    /// The number of cells of the matrix; a drill that was interrupted has run fewer.
    #[serde(default)]
    pub(super) planned: usize,
    /// Wiring by wiring.
    pub(super) cells: Vec<CellResult>,
}

/// One fault in one wiring.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CellResult {
    pub(super) wiring: String,
    /// The kind of fault: `store-killed`.
    pub(super) kind: String,
    /// What was done to what: `postgres killed`.
    pub(super) fault: String,
    /// Which promise the wiring is known to break, if it is a negative control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) negative_control: Option<String>,
    pub(super) verdict: Verdict,
    /// The broken promises, or why it was skipped or failed; with a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    /// Absent where nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) figures: Option<Figures>,
    /// Its folder below `cells`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) folder: Option<String>,
}

/// What became of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    /// Every promise was kept.
    Kept,
    /// Nothing that could be asked for is broken, but not all could be asked for.
    NotAllAsked,
    /// A promise was broken.
    Broken,
    /// A promise was broken by a negative control, which is known to break it.
    Caught,
    /// A negative control broke no promise.
    NotCaught,
    /// It could not be run here.
    Skipped,
    /// It was begun, and could not be finished.
    Failed,
}

impl Verdict {
    /// The words in the table.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::NotAllAsked => "not all asked",
            Self::Broken => "BROKEN",
            Self::Caught => "caught",
            Self::NotCaught => "not caught",
            Self::Skipped => "skipped",
            Self::Failed => "FAILED",
        }
    }
}

impl DrillResult {
    /// Of a drill without a cell yet.
    pub(super) fn new(options: &DrillOptions, id: &str) -> Self {
        let now = machine::now();
        let words = std::env::args().skip(1).map(|word| quoted(&runtimes::arm::without_passwords(&word)));
        Self {
            schema: SCHEMA.to_owned(),
            id: id.to_owned(),
            created: created(now),
            lab_version: env!("CARGO_PKG_VERSION").to_owned(),
            command: std::iter::once("lab".to_owned()).chain(words).collect::<Vec<_>>().join(" "),
            system: options.drill.system.name.to_owned(),
            form: options.drill.form.name().to_owned(),
            seed: options.drill.seed,
            runtime: options.runtime.name().to_owned(),
            machine: machine::machine(),
            took_s: 0,
            planned: options.drill.cells.len(),
            cells: Vec::new(),
        }
    }

    /// As JSON, with a newline at its end.
    pub(super) fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Whether every durable wiring kept what it promises, and something was run.
    pub(super) fn outcome(&self) -> Outcome {
        let is_bad = |cell: &CellResult| matches!(cell.verdict, Verdict::Broken | Verdict::Failed);
        let ran = self.cells.iter().any(|cell| cell.verdict != Verdict::Skipped);
        if self.cells.iter().any(is_bad) || !ran { Outcome::ExpectationFailed } else { Outcome::Done }
    }

    /// Each negative control with how often it was caught, of how many drills.
    pub(super) fn controls(&self) -> Vec<(&str, usize, usize)> {
        let mut controls: Vec<(&str, usize, usize)> = Vec::new();
        for cell in self.cells.iter().filter(|cell| cell.negative_control.is_some()) {
            let (caught, ran) = match cell.verdict {
                Verdict::Caught => (1, 1),
                Verdict::NotCaught => (0, 1),
                _ => continue,
            };
            match controls.iter_mut().find(|(wiring, ..)| *wiring == cell.wiring) {
                Some(known) => (known.1, known.2) = (known.1 + caught, known.2 + ran),
                None => controls.push((&cell.wiring, caught, ran)),
            }
        }
        controls
    }
}

impl CellResult {
    /// Of a cell that was not run yet.
    pub(super) fn of(cell: &Cell) -> Self {
        Self {
            wiring: cell.wiring.name.clone(),
            kind: cell.fault.kind.to_owned(),
            fault: cell.fault.label.clone(),
            negative_control: cell.wiring.control.clone(),
            verdict: Verdict::Skipped,
            why: None,
            figures: None,
            folder: None,
        }
    }

    /// Ends without figures.
    pub(super) fn end(&mut self, verdict: Verdict, why: &str) {
        (self.verdict, self.why) = (verdict, Some(why.to_owned()));
    }

    /// Judges it by the report of its episodes.
    pub(super) fn judge(&mut self, system: &str, report: &Report, folder: &str) {
        let Some(arm) = report.arms.first() else { return };
        self.folder = Some(folder.to_owned());
        self.figures = Some(Figures::of(system, report, arm));
        if let Some(death) = &arm.died {
            let why = format!("the process `{}` ended by itself", death.process);
            return self.end(Verdict::Failed, &why);
        }
        let kept = arm.ledger.as_ref().map(|ledger| ledger.verdict().kept());
        self.verdict = match kept {
            None => return self.end(Verdict::Failed, "its ledger was not checked"),
            Some(load::ledger::Kept::Broken) if self.negative_control.is_some() => Verdict::Caught,
            Some(kept) if kept.has_failed() => Verdict::Broken,
            Some(_) if self.negative_control.is_some() => Verdict::NotCaught,
            Some(load::ledger::Kept::All) => Verdict::Kept,
            Some(_) => Verdict::NotAllAsked,
        };
        self.why = super::figures::breaches(system, arm);
        if arm.operations == 0 {
            self.end(Verdict::Failed, "nothing that was sent to it ended well");
        }
    }
}

fn created(now: OffsetDateTime) -> String {
    now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use scenario::{
        drill::{Drill, DrillChoices},
        systems,
    };

    use super::*;

    fn result(cells: Vec<CellResult>) -> DrillResult {
        let drill = Drill::new(systems::find("shortener").unwrap(), &DrillChoices::default()).unwrap();
        let options = DrillOptions {
            drill,
            runtime: runtimes::launch::Runtime::Process,
            backings: runtimes::arm::BackingChoices::default(),
            out: std::path::PathBuf::new(),
            json: false,
        };
        DrillResult { cells, ..DrillResult::new(&options, "id") }
    }

    fn cell(wiring: &str, verdict: Verdict) -> CellResult {
        let control = wiring.contains("memory").then(|| "loses".to_owned());
        CellResult {
            wiring: wiring.to_owned(),
            kind: "component-killed".to_owned(),
            fault: "links killed".to_owned(),
            negative_control: control,
            verdict,
            why: None,
            figures: None,
            folder: None,
        }
    }

    #[test]
    fn a_durable_wiring_that_breaks_a_promise_fails_the_drill_and_a_negative_control_does_not() {
        let caught = || cell("memory", Verdict::Caught);
        assert_eq!(result(vec![cell("a", Verdict::Kept), caught()]).outcome(), Outcome::Done);
        assert_eq!(
            result(vec![cell("a", Verdict::Kept), cell("memory", Verdict::NotCaught)]).outcome(),
            Outcome::Done
        );
        for verdict in [Verdict::Broken, Verdict::Failed] {
            assert_eq!(result(vec![cell("a", verdict), caught()]).outcome(), Outcome::ExpectationFailed);
        }
        assert_eq!(
            result(vec![cell("a", Verdict::Skipped)]).outcome(),
            Outcome::ExpectationFailed,
            "nothing ran"
        );
    }

    #[test]
    fn a_negative_control_is_caught_by_the_drills_that_ran() {
        let cells =
            [Verdict::Caught, Verdict::NotCaught, Verdict::Skipped].map(|verdict| cell("memory", verdict));
        let result = result(cells.into_iter().chain([cell("a", Verdict::Kept)]).collect());
        assert_eq!(result.controls(), [("memory", 1, 2)]);
    }
}
